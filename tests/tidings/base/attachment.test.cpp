#include <tidings/base/attachment.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

#include <functional>
#include <new>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace {

using tidings::base::attachment;
using tidings::base::domain;
using tidings::base::publisher;
using tidings::base::thread_pointer;

/// Runs a function when the thread ends, after whatever was registered for its end later.
class last_words {
public:
    ~last_words() {
        if (run_) run_();
    }
    /// The calling thread's.
    static void are(std::function<void()> run) {
        static thread_local last_words here;
        here.run_ = std::move(run);
    }

private:
    std::function<void()> run_;
};

TEST_CASE("a thread keeps its record from the first use to its end") {
    domain& home = domain::here();
    publisher* first = nullptr;
    publisher* second = nullptr;
    publisher* found = nullptr;
    std::thread{[&] {
        { first = attachment{home}.get(); }
        found = thread_pointer<publisher>::get();
        second = attachment{home}.get();
    }}.join();
    CHECK(first != nullptr);
    CHECK(first == second);
    CHECK(found == first);
}

TEST_CASE("the record of a thread that ended goes to another") {
    domain& home = domain::here();
    std::thread{[&] { const attachment here{home}; }}.join();
    const auto made = home.publishers();
    for (int n = 0; n != 50; ++n) std::thread{[&] { const attachment here{home}; }}.join();
    CHECK(home.publishers() == made);
}

TEST_CASE("a thread that is ending borrows a record for each use") {
    domain& home = domain::here();
    std::thread{[&] { const attachment here{home}; }}.join();
    const auto made = home.publishers();
    publisher* before = nullptr;
    publisher* after = nullptr;
    bool kept = true;
    bool same_inside = false;
    bool given_back = false;
    std::thread{[&] {
        last_words::are([&] {
            {
                const attachment here{home};
                after = here.get();
                same_inside = attachment{home}.get() == after;
                same_inside = same_inside && home.find() == after;
            }
            given_back = home.find() == nullptr;
            kept = thread_pointer<publisher>::get() != nullptr;
        });
        before = attachment{home}.get();
    }}.join();
    CHECK(before != nullptr);
    CHECK(after != nullptr);
    CHECK(same_inside);
    CHECK(given_back);
    CHECK_FALSE(kept);
    CHECK(home.publishers() == made);
}

TEST_CASE("in another library's domain a record is borrowed for as long as it is needed") {
    domain foreign;
    const publisher* const own = attachment{domain::here()}.get();
    {
        const attachment outer{foreign};
        CHECK(&(*outer).home() == &foreign);
        {
            const attachment inner{foreign};
            CHECK(inner.get() == outer.get());
        }
        CHECK(foreign.find() == outer.get());
        CHECK(thread_pointer<publisher>::get() == own);
    }
    CHECK(foreign.find() == nullptr);
    const attachment again{foreign};
    CHECK(again.get() != nullptr);
    CHECK(foreign.publishers() == 1);
}

TEST_CASE("without memory for a record there is an exception, or none where none is asked for") {
    if (!support::counts_allocations) return;
    domain foreign;
    {
        const support::failing_allocation now{1, support::failing::once};
        CHECK_THROWS_AS(attachment{foreign}, std::bad_alloc);
    }
    {
        std::optional<support::failing_allocation> now{std::in_place, 1, support::failing::once};
        const attachment none{foreign, std::nothrow};
        now.reset();
        CHECK(none.get() == nullptr);
    }
    CHECK(foreign.find() == nullptr);
    const attachment here{foreign, std::nothrow};
    CHECK(here.get() != nullptr);
}

TEST_CASE("a thread that ends inside a publish keeps its record") {
    domain& home = domain::here();
    publisher* mine = nullptr;
    publisher* in_the_end = nullptr;
    bool still_publishing = false;
    std::thread{[&] {
        last_words::are([&] {
            in_the_end = thread_pointer<publisher>::get();
            still_publishing = mine->publishing();
            mine->close(mine->outermost());
            thread_pointer<publisher>::set(nullptr);
            home.give_back(*mine);
        });
        mine = attachment{home}.get();
        mine->open(mine->outermost(), publisher::between());  // as exit() inside a handler leaves it
    }}.join();
    CHECK(still_publishing);
    CHECK(in_the_end == mine);
}

}  // namespace
