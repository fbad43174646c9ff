/// Something that may be let go by what it calls.
#pragma once

#include <cstddef>
#include <utility>

namespace tidings::consumer_detail {

/// Owns a T until the last call of it that is under way when the owner goes returns. For one thread at a time.
template <class T>
class lingering {
    struct kept {
        template <class... Arguments>
        explicit kept(Arguments&&... arguments) : value(std::forward<Arguments>(arguments)...) {}
        T value;
        std::size_t calls = 0;
        bool let_go = false;
    };

public:
    template <class... Arguments>
    explicit lingering(std::in_place_t, Arguments&&... arguments)
        : kept_{new kept{std::forward<Arguments>(arguments)...}} {}
    ~lingering() {
        kept_->let_go = true;
        if (kept_->calls == 0) delete kept_;
    }
    lingering(const lingering&) = delete;
    lingering& operator=(const lingering&) = delete;

    class call {
    public:
        explicit call(const lingering& of) noexcept : kept_{of.kept_} { ++kept_->calls; }
        ~call() {
            if (--kept_->calls == 0 && kept_->let_go) delete kept_;
        }
        call(const call&) = delete;
        call& operator=(const call&) = delete;

        T* operator->() const noexcept { return &kept_->value; }

        /// Whether the owner is gone.
        const bool& let_go() const noexcept { return kept_->let_go; }

    private:
        kept* kept_;
    };

    /// Without user code in between.
    T& operator*() const noexcept { return kept_->value; }

private:
    kept* const kept_;
};

}  // namespace tidings::consumer_detail
