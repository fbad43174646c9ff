/// The calling thread's record for as long as it is needed.
#pragma once

#include <tidings/base/config.hpp>
#include <tidings/base/domain.hpp>
#include <tidings/base/publisher.hpp>
#include <tidings/base/sync.hpp>

#include <new>

namespace tidings::base {

/// Finds the calling thread's record in a domain, or takes one. The record is kept until the thread ends, except
/// where the thread is ending already or the domain is another shared library's: then it goes back at once.
/// Throws std::bad_alloc.
class attachment {
public:
    explicit attachment(domain& home) : publisher_{home.find()} {
        if (publisher_ == nullptr) take(home);
    }

    /// Without memory for a record there is none, and get() is null.
    attachment(domain& home, std::nothrow_t) noexcept : publisher_{home.find()} {
        if (publisher_ != nullptr) return;
        TIDINGS_TRY { take(home); }
        TIDINGS_CATCH_ALL {}
    }

    ~attachment() {
        if (borrowed_) publisher_->home().give_back(*publisher_);
    }

    attachment(const attachment&) = delete;
    attachment& operator=(const attachment&) = delete;

    publisher& operator*() const noexcept { return *publisher_; }
    publisher* get() const noexcept { return publisher_; }

private:
    void take(domain& home) {
        publisher_ = &home.take();
        borrowed_ = &home != &domain::here() || ended();
        if (borrowed_) return;
        thread_pointer<publisher>::set(publisher_);
        at_thread_exit<&attachment::detach>(publisher_);
    }

    /// Whether this thread is past detach(), in a destructor that runs later. Any pointer serves as the mark.
    static bool ended() noexcept { return thread_pointer<const domain>::get() != nullptr; }

    static void detach(void* record) noexcept {
        auto& mine = *static_cast<publisher*>(record);
        // exit() inside a handler: the thread's slots are open, and stay its own.
        if (mine.publishing()) return;
        thread_pointer<publisher>::set(nullptr);
        thread_pointer<const domain>::set(&mine.home());
        mine.home().give_back(mine);
    }

    publisher* publisher_;
    bool borrowed_ = false;
};

}  // namespace tidings::base
