/// Which numbers are believed.
#pragma once

#include <cstdint>

namespace tidings::resequencer_detail {

/// As RFC 3550, A.1, has it: numbers that are far ahead are believed when they follow one another. Otherwise one that
/// is wrong would end the stream, or a long loss.
class number_belief {
public:
    number_belief(std::uint64_t longest_jump, unsigned believed_after) noexcept
        : longest_jump_{longest_jump}, believed_after_{believed_after} {}

    /// `reach` is the largest number so far.
    bool accepts(std::uint64_t sequence, std::uint64_t reach) noexcept {
        if (sequence <= reach || sequence - reach <= longest_jump_) {
            far_ = 0;
            return true;
        }
        far_ = far_ != 0 && sequence == far_at_ + 1 ? far_ + 1 : 1;
        far_at_ = sequence;
        if (far_ < believed_after_) return false;
        far_ = 0;
        return true;
    }

private:
    const std::uint64_t longest_jump_;
    const unsigned believed_after_;
    unsigned far_ = 0;  ///< how many were too far ahead, one after another
    std::uint64_t far_at_ = 0;
};

}  // namespace tidings::resequencer_detail
