/// What ran in a simulation, in which order.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::testing::detail {

/// Keeps the last lines, as many as `most`, and writes them out when asked. Not thread-safe.
class trace {
public:
    using time = std::chrono::steady_clock::duration;

    /// Who did something: a step by its number, or one of these.
    static constexpr std::uint64_t nobody = 0;  ///< the thread that made the simulation
    static constexpr std::uint64_t alarm = static_cast<std::uint64_t>(-1);

    enum class act : std::uint8_t { begins, yields, waits, goes_on, rings, says };

    static constexpr std::size_t most = 100'000;

    /// `poster` is for act::begins, `words` for act::says.
    void add(time when, std::uint64_t who, act what, std::uint64_t poster = nobody, std::string words = {}) {
        line added{when, who, poster, what, std::move(words)};
        if (lines_.size() < most) lines_.push_back(std::move(added));
        else lines_[static_cast<std::size_t>(added_ % most)] = std::move(added);
        ++added_;
    }

    /// Forgets the last line, which was the last thing to be added.
    void take_back() noexcept {
        if (added_ == 0 || added_ > most) return;  // it would have pushed out another one
        lines_.pop_back();
        --added_;
    }

    std::string text() const {
        std::string out;
        const std::uint64_t first = added_ - lines_.size();
        if (first != 0) out += "(" + std::to_string(first) + " lines before)\n";
        for (std::uint64_t each = first; each != added_; ++each)
            write(out, lines_[static_cast<std::size_t>(each % most)]);
        return out;
    }

private:
    struct line {
        time when;
        std::uint64_t who;
        std::uint64_t poster;
        act what;
        std::string words;
    };

    static std::string name(std::uint64_t who) {
        if (who == nobody) return "main";
        return who == alarm ? "an alarm" : "step " + std::to_string(who);
    }

    static void write(std::string& out, const line& l) {
        out += "t=" + seconds(l.when) + "s  " + name(l.who);
        switch (l.what) {
            case act::begins:
                out += " begins, posted by " + name(l.poster);
                break;
            case act::yields:
                out += " yields";
                break;
            case act::waits:
                out += " waits";
                break;
            case act::goes_on:
                out += " goes on";
                break;
            case act::rings:
                out += " rings";
                break;
            case act::says:
                out += ": " + l.words;
                break;
        }
        out += '\n';
    }

    /// "0", "1.5", "86400"
    static std::string seconds(time when) {
        const auto whole = std::chrono::floor<std::chrono::seconds>(when);
        std::string text = std::to_string(whole.count());
        const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(when - whole).count();
        if (rest == 0) return text;
        std::string digits = std::to_string(1'000'000'000 + rest);
        digits.front() = '.';
        return text + digits.erase(digits.find_last_not_of('0') + 1);
    }

    std::vector<line> lines_;
    std::uint64_t added_ = 0;
};

}  // namespace tidings::testing::detail
