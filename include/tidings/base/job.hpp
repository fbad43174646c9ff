/// Work that an executor is asked to run.
#pragma once

namespace tidings::base {

/// Stands in the queue of one executor at a time, linked through itself: posting it allocates nothing. Whoever holds it
/// calls `act` exactly once, and does not touch it from then on: with `run` to run it, without to say that it never
/// will.
struct job {
    using function = void (*)(job&, bool run) noexcept;

    explicit job(function f) noexcept : act{f} {}
    job(const job&) = delete;
    job& operator=(const job&) = delete;

    const function act;
    job* next = nullptr;  ///< for the queue it stands in

protected:
    ~job() = default;
};

/// First in, first out. Not thread-safe.
class job_queue {
public:
    job_queue() = default;
    job_queue(const job_queue&) = delete;
    job_queue& operator=(const job_queue&) = delete;

    bool empty() const noexcept { return first_ == nullptr; }

    void push(job& added) noexcept {
        added.next = nullptr;
        *(first_ == nullptr ? &first_ : &last_->next) = &added;
        last_ = &added;
    }

    /// Null if it is empty.
    job* pop() noexcept {
        job* const taken = first_;
        if (taken != nullptr) first_ = taken->next;
        return taken;
    }

    /// Empties the queue; what was in it is linked through `next`, up to null.
    job* take_all() noexcept {
        job* const all = first_;
        first_ = nullptr;
        return all;
    }

private:
    job* first_ = nullptr;
    job* last_ = nullptr;
};

}  // namespace tidings::base
