// Queues on real threads: several publishers, subscriptions that come and go, and a checker that follows each of them.
// Under ThreadSanitizer it also proves that one event at a time, or one of each key, needs no lock: the checker's
// variables are plain.
#include "support/catch.hpp"
#include "support/seed.hpp"
#include "support/waiting.hpp"

#include <tidings/tidings.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

#if TIDINGS_HAS_TSAN || TIDINGS_HAS_ASAN
constexpr std::uint64_t effort = 1;
#elif defined(__OPTIMIZE__)
constexpr std::uint64_t effort = 25;
#else
constexpr std::uint64_t effort = 4;
#endif

constexpr std::size_t publishers = 3;
constexpr std::size_t keys = 4;

std::atomic<std::int64_t> living{0};

/// An event on the heap, so that one that is read too late is seen, and counted.
struct numbered {
    numbered(std::size_t p, std::uint64_t number, std::size_t k)
        : publisher{p}, key{k}, n{std::make_unique<std::uint64_t>(number)} {
        ++living;
    }
    numbered(const numbered& other) : numbered{other.publisher, *other.n, other.key} {}
    numbered(numbered&& other) noexcept : publisher{other.publisher}, key{other.key}, n{std::move(other.n)} {
        ++living;
    }
    numbered& operator=(const numbered&) = delete;
    ~numbered() { --living; }

    std::size_t publisher;
    std::size_t key;
    std::unique_ptr<std::uint64_t> n;  // from 1, for each publisher
};

/// The events of one line: each publisher's come in order.
struct alignas(64) line {
    std::array<std::uint64_t, publishers> last{};
    std::uint64_t count = 0;
    bool disordered = false;
    bool inside = false;

    void take(const numbered& e) {
        if (std::exchange(inside, true)) disordered = true;
        if (*e.n <= last[e.publisher]) disordered = true;
        last[e.publisher] = *e.n;
        ++count;
        inside = false;
    }
};

/// What becomes of one subscription. With keys each has a line of its own.
class follower {
public:
    follower(tidings::bus& bus, tidings::executor_ref on, std::uint64_t choice) : keyed_{choice % 2 != 0} {
        static constexpr tidings::overflow policies[] = {tidings::overflow::block, tidings::overflow::reject,
                                                         tidings::overflow::drop_oldest,
                                                         tidings::overflow::drop_newest};
        lossless_ = choice / 2 % 4 == 0;
        const auto how = tidings::async.on(std::move(on))
                             .capacity(choice / 8 % 3 == 0 ? 1 : 1 + choice / 8 % 60)
                             .when_full(policies[choice / 2 % 4]);
        auto handler = [this, owned = captured_](const numbered& e) {
            if (over_) called_when_over_ = true;
            lines_[keyed_ ? e.key : 0].take(e);
        };
        captured_.reset();
        if (keyed_) taken_ = bus.subscribe(std::move(handler), how.ordered_by(&numbered::key).concurrency(2));
        else taken_ = bus.subscribe(std::move(handler), how);
    }

    tidings::subscription_stats stats() const noexcept { return taken_.stats(); }
    bool lossless() const noexcept { return lossless_; }
    void reset() { taken_.reset(); }

    /// What was wrong.
    std::string end() {
        if (taken_.reset() != tidings::reset_result::ended) return "reset() did not wait";
        if (!watch_.expired()) return "the captures live after reset()";
        over_ = true;
        return look();
    }

    /// For a moment at which nothing runs.
    std::string look() const {
        std::uint64_t count = 0;
        for (const line& each : lines_) {
            if (each.disordered) return "out of order, twice, or two at a time";
            count += each.count;
        }
        const auto stats = taken_.stats();
        if (called_when_over_) return "called after reset()";
        if (stats.delivered != count)
            return "delivered " + std::to_string(stats.delivered) + " of " + std::to_string(count);
        if (stats.failed != 0) return "a failure out of nowhere";
        return {};
    }

    bool came_all(std::uint64_t each) const {
        for (std::size_t p = 0; p != publishers; ++p) {
            std::uint64_t last = 0;
            for (const line& l : lines_) last = l.last[p] > last ? l.last[p] : last;
            if (last != each) return false;
        }
        return true;
    }

private:
    const bool keyed_;
    bool lossless_ = false;
    std::shared_ptr<int> captured_ = std::make_shared<int>(0);
    const std::weak_ptr<int> watch_ = captured_;
    std::array<line, keys> lines_;
    bool over_ = false;
    std::atomic<bool> called_when_over_{false};
    tidings::subscription taken_;  // last: it ends first
};

}  // namespace

TEST_CASE("queues lose nothing, repeat nothing and keep the order of each publisher and key") {
    const std::uint64_t seed = support::fresh_seed("queues");
    std::mt19937_64 random{seed};
    const std::uint64_t rounds = 6 + 4 * effort;
    for (std::uint64_t round = 0; round != rounds; ++round) {
        constexpr std::uint64_t each = 1'000;
        tidings::thread_pool one{1};
        tidings::thread_pool two{2};
        tidings::bus bus{{.executor = two, .on_error = [](const tidings::handler_error&) {}}};
        std::vector<std::unique_ptr<follower>> kept;
        for (std::uint64_t choice = 0; choice != 4; ++choice) {
            const bool small = random() % 2 == 0;
            kept.push_back(std::make_unique<follower>(bus,
                                                      small ? tidings::executor_ref{one} : tidings::executor_ref{two},
                                                      choice < 2 ? choice + 8 * (random() % 64) : random()));
        }
        std::atomic<std::uint64_t> accepted{0};
        std::atomic<std::uint64_t> rejected{0};
        std::atomic<bool> stop{false};
        std::vector<std::thread> threads;
        for (std::size_t p = 0; p != publishers; ++p) {
            threads.emplace_back([&, p, mine = random()] {
                std::mt19937_64 choose{mine};
                for (std::uint64_t n = 1; n <= each; ++n) {
                    const std::size_t key = choose() % keys;
                    const numbered kept_event{p, n, key};
                    const auto result = n % 2 == 0 ? bus.publish(kept_event) : bus.publish(numbered{p, n, key});
                    accepted += result.queued;
                    rejected += result.rejected;
                    if (choose() % 64 == 0) std::this_thread::yield();
                }
            });
        }
        std::string wrong;
        std::thread passing{[&, mine = random()] {
            std::mt19937_64 choose{mine};
            while (!stop && wrong.empty()) {
                follower one_more{bus, two, choose()};
                const std::uint64_t enough = choose() % 30;
                for (int looks = 0; looks < 100 && one_more.stats().accepted() < enough; ++looks)
                    std::this_thread::yield();
                wrong = one_more.end();
            }
        }};
        std::thread draining{[&] {
            while (!stop) {
                bus.drain_for(1ms);
                std::this_thread::yield();
            }
        }};
        for (auto& t : threads) t.join();
        stop = true;
        passing.join();
        draining.join();
        bus.drain();
        INFO("round " << round);
        CHECK(wrong == "");
        for (const auto& f : kept) {
            CHECK(f->look() == "");
            const auto stats = f->stats();
            CHECK(stats.queued == 0);
            CHECK(stats.accepted() + stats.rejected == publishers * each);
            if (f->lossless()) {
                CHECK(stats.delivered == publishers * each);
                CHECK(f->came_all(each));
            }
            CHECK(f->end() == "");
        }
        const auto all = bus.stats();
        CHECK(all.queued == 0);
        CHECK(all.accepted() == accepted.load());
        CHECK(all.rejected == rejected.load());
        CHECK(living.load() == 0);
    }
}

TEST_CASE("cascades on two pools are drained whole") {
    struct up {
        int n;
    };
    struct down {
        int n;
    };
    const std::uint64_t rounds = 2'000 * effort;
    tidings::thread_pool one{1};
    tidings::thread_pool two{1};
    tidings::bus bus{{.executor = one}};
    std::uint64_t ended = 0;  // of one handler at a time, and read after drain()
    auto a = bus.subscribe(
        [&](const up& e) {
            if (e.n != 0) bus.publish(down{e.n - 1});
            else ++ended;
        },
        tidings::async);
    auto b = bus.subscribe([&](const down& e) { bus.publish(up{e.n}); }, tidings::async.on(two));
    for (std::uint64_t round = 1; round <= rounds; ++round) {
        bus.publish(up{static_cast<int>(round % 8)});
        bus.drain();
        if (ended != round) FAIL("drain() returned before the cascade of round " << round << " ended");
    }
}

TEST_CASE("two mailboxes feed two receivers each, and end") {
    const std::uint64_t seed = support::fresh_seed("mailboxes");
    std::mt19937_64 random{seed};
    for (std::uint64_t round = 0; round != 20 + 8 * effort; ++round) {
        tidings::bus bus;
        auto box = bus.mailbox<numbered>({.capacity = 1 + random() % 5});
        std::atomic<std::uint64_t> got{0};
        std::atomic<bool> wrong{false};
        std::vector<std::thread> receiving;
        for (int r = 0; r < 2; ++r) {
            receiving.emplace_back([&] {
                line mine;
                for (const numbered& e : box) {
                    mine.take(e);
                    ++got;
                }
                if (mine.disordered) wrong = true;
            });
        }
        std::vector<std::thread> sending;
        for (std::size_t p = 0; p != publishers; ++p) {
            sending.emplace_back([&, p] {
                for (std::uint64_t n = 1; n <= 500; ++n) bus.publish(numbered{p, n, 0});
            });
        }
        for (auto& t : sending) t.join();
        box.close();
        for (auto& t : receiving) t.join();
        CHECK(got.load() == publishers * 500);
        CHECK_FALSE(wrong.load());
        CHECK(box.stats().delivered == publishers * 500);
        CHECK(living.load() == 0);
    }
}
