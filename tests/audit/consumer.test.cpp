// Random histories of consumers in virtual time, beside a small model: attempts, their times, the order of keys, the
// breaker, the rate, letters, and that in the end each message has had one end.
#include "support/catch.hpp"
#include "support/seed.hpp"

#include <tidings/consumer/consumer.hpp>
#include <tidings/consumer/dead_letters.hpp>
#include <tidings/testing/simulation.hpp>
#include <tidings/tidings.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using time_point = std::chrono::steady_clock::time_point;

/// For the handler of that number.
template <int handler>
struct job {
    std::size_t n;  // of the model's messages
    int key;
};

enum class order_kept { of_all, of_keys, none };

/// What the history is about.
struct policy {
    explicit policy(std::mt19937_64& random) {
        const auto below = [&](std::uint64_t n) { return random() % n; };
        options.retry.max_attempts = static_cast<unsigned>(below(5));  // 0 counts as 1
        options.retry.backoff =
            tidings::exponential(std::chrono::milliseconds{below(3) * 50}, std::chrono::milliseconds{below(3) * 400});
        options.retry.jitter = static_cast<double>(below(3)) / 2;
        options.prefetch = 1 + below(4);
        keeps_letters = below(4) != 0;
        letters.capacity = 1 + below(12);
        kept = static_cast<order_kept>(below(3));
        if (below(2) == 0) options.later_events = tidings::behind_dead::park;
        if (below(3) == 0)
            options.circuit_breaker = tidings::circuit_breaker_options{.failures = 1 + static_cast<unsigned>(below(4)),
                                                                       .open_for = 500ms,
                                                                       .probes = 1 + static_cast<unsigned>(below(2))};
        if (below(4) == 0) options.rate_limit = tidings::rate_limit{.events = 20, .per = 1s};
        if (below(3) == 0) options.concurrency = 1 + static_cast<unsigned>(below(2));
        if (below(4) == 0) options.time_limit = 1s;
        const std::uint64_t which = below(4);
        if (which == 0) options.guarantee = tidings::delivery_guarantee::at_most_once;
        if (which == 1) {
            options.guarantee = tidings::delivery_guarantee::effectively_once;
            options.duplicates.window = 24h * 365;
        }
        when_full = static_cast<tidings::overflow>(below(2));  // block, or reject: what is accepted stays
        capacity = when_full == tidings::overflow::block ? 1'000 : 1 + below(20);
        failures = below(100);
        permanent = below(3) * 10;
    }

    unsigned attempts() const {
        const bool once = options.guarantee == tidings::delivery_guarantee::at_most_once;
        return once ? 1 : std::max(options.retry.max_attempts, 1U);
    }
    bool has_letters() const { return keeps_letters && options.guarantee != tidings::delivery_guarantee::at_most_once; }
    bool parks() const {
        return has_letters() && kept == order_kept::of_keys && options.later_events == tidings::behind_dead::park;
    }

    std::string text() const {
        std::ostringstream out;
        out << attempts() << " attempts, waits of " << options.retry.backoff.first / 1ms << " to "
            << options.retry.backoff.longest / 1ms << " ms, jitter " << options.retry.jitter << ", letters "
            << (has_letters() ? letters.capacity : 0) << (parks() ? ", parks" : "") << ", order "
            << static_cast<int>(kept) << ", guarantee " << static_cast<int>(options.guarantee) << ", capacity "
            << capacity << ", concurrency " << options.concurrency << ", prefetch " << options.prefetch;
        if (options.circuit_breaker)
            out << ", breaker " << options.circuit_breaker->failures << ' ' << options.circuit_breaker->probes;
        if (options.rate_limit) out << ", rate limit";
        if (options.time_limit != 0ns) out << ", time limit";
        return out.str();
    }

    tidings::consumer_options options;
    tidings::dead_letters_options letters;
    bool keeps_letters = false;
    order_kept kept = order_kept::none;
    tidings::overflow when_full{};
    std::size_t capacity = 0;
    std::uint64_t failures = 0;   // of a hundred attempts
    std::uint64_t permanent = 0;  // of a hundred failures
};

/// One event on its way to one handler.
struct message {
    int handler = 0;
    int key = 0;
    std::uint64_t id = 0;
    unsigned attempts = 0;  // of this life
    bool is_over = false;   // its last attempt has failed
    bool is_handled = false;
    bool is_gone = false;  // its letter was discarded
    time_point due = time_point::min();
    time_point latest = time_point::max();
};

/// A breaker for one thread.
class model_of_breaker {
public:
    explicit model_of_breaker(const std::optional<tidings::circuit_breaker_options>& options) : options_{options} {}
    bool is_open(time_point now) const { return options_ && failed_ >= options_->failures && now < until_; }
    void ended(bool failed, time_point now) {
        if (!options_) return;
        const bool probes = failed_ >= options_->failures;
        if (failed) {
            good_ = 0;
            if (++failed_ >= options_->failures) until_ = now + options_->open_for;
        } else if (!probes || ++good_ == options_->probes) {
            failed_ = good_ = 0;
        }
    }

private:
    std::optional<tidings::circuit_breaker_options> options_;
    unsigned failed_ = 0;
    unsigned good_ = 0;
    time_point until_{};
};

class history {
public:
    explicit history(std::uint64_t seed)
        : random_{seed}, how_{random_}, sim_{seed}, breaker_{how_.options.circuit_breaker} {
        auto options = how_.options;
        if (how_.keeps_letters) options.dead_letters = dead_;
        desk_.emplace(bus_, "desk", options);
        subscribe<0>();
        subscribe<1>();
    }

    /// Empty: as it should be.
    std::string run() {
        const std::uint64_t steps = 30 + below(60);
        for (std::uint64_t n = 0; n != steps && wrong_.empty(); ++n) step();
        if (below(4) == 0) end_early();
        else end();
        return wrong_.empty() ? wrong_ : wrong_ + ": " + how_.text();
    }

private:
    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    time_point now() const { return sim_.clock().port()->now(); }

    void require(bool holds, const char* what) {
        if (!holds && wrong_.empty()) wrong_ = what;
    }

    template <int handler>
    void subscribe() {
        const auto handle = [this](const job<handler>& j, const tidings::context& c) { this->handle(j.n, c); };
        const auto how = tidings::async.capacity(how_.capacity).when_full(how_.when_full);
        if (how_.kept == order_kept::of_keys) desk_->on(handle, how.ordered_by(&job<handler>::key).concurrency(2));
        else if (how_.kept == order_kept::of_all) desk_->on(handle, how);
        else desk_->on(handle, how.concurrency(2));
    }

    // --- Steps -----------------------------------------------------------------------------------------------------

    void step() {
        switch (below(12)) {
            case 0:
            case 1:
            case 2:
                return publish();
            case 3:
                return again();
            case 4:
                return send_one();
            case 5:
                send_all();
                return;
            case 6:
                return discard_one();
            case 7:
                fails_ = !fails_;
                return;
            case 8:
                sim_.advance(std::chrono::milliseconds{below(3'000)});
                return at_rest();
            default:
                sim_.advance(std::chrono::milliseconds{below(200)});
                return at_rest();
        }
    }

    void publish() {
        for (std::uint64_t more = 1 + below(4); more != 0; --more)
            publish(static_cast<int>(below(2)), static_cast<int>(below(3)), ++ids_);
    }

    void publish(int handler, int key, std::uint64_t id) {
        messages_.push_back({.handler = handler, .key = key, .id = id});
        const std::size_t n = messages_.size() - 1;
        const tidings::publish_options said{.id = {1, id}};
        const auto result = handler == 0 ? bus_.publish(job<0>{n, key}, said) : bus_.publish(job<1>{n, key}, said);
        if (result.queued == 1) {
            ++accepted_;
            line_of(messages_.back()).push_back(n);
        } else {
            require(how_.when_full == tidings::overflow::reject && result.rejected == 1, "it was not accepted");
            messages_.pop_back();
        }
    }

    /// A message that is known, once more.
    void again() {
        if (messages_.empty()) return;
        const message known = messages_[below(messages_.size())];
        if (how_.options.guarantee == tidings::delivery_guarantee::effectively_once)
            publish(known.handler, known.key, known.id);
    }

    std::optional<tidings::dead_letter> some_letter() {
        const auto all = dead_.list();
        return all.empty() ? std::nullopt : std::optional{all[below(all.size())]};
    }

    void send_one() {
        if (const auto letter = some_letter()) send(*letter);
    }

    bool send(const tidings::dead_letter& letter) {
        const std::size_t n = number(letter);
        message& m = messages_.at(n);
        require(m.is_over || letter.attempts == 0, "a letter of what has not failed");
        const message before = m;
        m.attempts = 0;
        m.is_over = false;
        m.due = time_point::min();
        m.latest = time_point::max();
        if (!dead_.redrive(letter.id)) {
            m = before;
            require(how_.when_full == tidings::overflow::reject, "a letter was not sent again");
            return false;
        }
        ++accepted_;
        auto& line = line_of(m);
        line.erase(std::remove(line.begin(), line.end(), n), line.end());
        line.push_back(n);
        return true;
    }

    std::size_t send_all() {
        std::size_t sent = 0;
        for (const auto& each : dead_.list()) {
            if (!send(each)) break;
            ++sent;
        }
        return sent;
    }

    void discard_one() {
        if (const auto letter = some_letter()) discard(*letter);
    }
    void discard(const tidings::dead_letter& letter) {
        messages_.at(number(letter)).is_gone = true;
        require(dead_.discard(letter.id), "a letter is not there");
    }

    static std::size_t number(const tidings::dead_letter& letter) {
        if (const auto* const e = letter.event.get_if<job<0>>()) return e->n;
        return letter.event.get_if<job<1>>()->n;
    }

    // --- What happens ----------------------------------------------------------------------------------------------

    std::deque<std::size_t>& line_of(const message& m) {
        return lines_[{m.handler, how_.kept == order_kept::of_keys ? m.key : 0}];
    }

    void handle(std::size_t n, const tidings::context& context) {
        message& m = messages_.at(n);
        const time_point at = now();
        require(!m.is_handled, "handled twice");
        require(!m.is_over && !m.is_gone, "tried again after its last attempt");
        ++m.attempts;
        require(static_cast<unsigned>(context.attempt()) == m.attempts, "attempts are off");
        require(m.attempts <= how_.attempts(), "too many attempts");
        require(at >= m.due, "before its time");
        if (!how_.options.circuit_breaker && !how_.options.rate_limit) require(at <= m.latest, "after its time");
        require(!breaker_.is_open(at) && desk_->breaker() != tidings::breaker_state::open, "the breaker is open");
        if (how_.options.rate_limit) {
            require(at >= next_by_rate_, "too fast");
            next_by_rate_ = at + 50ms;
        }
        look_at_those_before(n);
        const bool fails = fails_ && below(100) < how_.failures;
        const bool permanent = fails && below(100) < how_.permanent;
        if (!permanent) breaker_.ended(fails, at);
        if (!fails) {
            m.is_handled = true;
            ++handled_;
            return;
        }
        m.is_over = permanent || m.attempts == how_.attempts();
        if (!m.is_over) {
            ++retried_;
            const auto wait = how_.options.retry.backoff.after(m.attempts);
            m.due = at + wait;
            m.latest =
                m.due + std::chrono::duration_cast<std::chrono::nanoseconds>(wait * how_.options.retry.jitter) + 1us;
        }
        if (permanent) throw tidings::permanent_failure{"for good"};
        throw std::runtime_error{"for now"};
    }

    /// Those that came before it on its line have ended; with keys that are parked, as they were published.
    void look_at_those_before(std::size_t n) {
        const message& m = messages_[n];
        if (how_.kept == order_kept::none) return;
        auto& line = line_of(m);
        for (; !line.empty() && line.front() != n; line.pop_front()) {
            const message& before = messages_[line.front()];
            const bool ended = before.is_handled || before.is_gone || before.is_over || is_letter(line.front()) ||
                               is_known(line.front());
            require(ended, "it overtakes one of its line");
        }
        require(!line.empty(), "it is not in its line");
        if (!how_.parks()) return;
        for (std::size_t each = 0; each != n; ++each) {
            const message& before = messages_[each];
            if (before.handler != m.handler || before.key != m.key) continue;
            require(before.is_handled || before.is_gone || is_known(each), "it overtakes a dead one of its key");
        }
    }

    bool is_letter(std::size_t n) {
        const auto all = dead_.list();
        return std::any_of(all.begin(), all.end(), [&](const auto& each) { return number(each) == n; });
    }

    /// Whether it may be left out as a duplicate: another message has its id.
    bool is_known(std::size_t n) const {
        const message& m = messages_[n];
        return std::count_if(messages_.begin(), messages_.end(),
                             [&](const message& each) { return each.id == m.id && each.handler == m.handler; }) > 1;
    }

    // --- What has to hold ------------------------------------------------------------------------------------------

    void at_rest() {
        const auto s = desk_->stats();
        const auto letters = dead_.stats();
        require(s.events.accepted() == accepted_, "what was accepted is not accounted for");
        require(s.events.delivered == handled_ + s.duplicates, "deliveries are off");
        require(s.retried == retried_, "retries are off");
        require(s.events.failed == s.dead_lettered + s.given_up, "failures are off");
        require(how_.has_letters() ? s.given_up == 0 : s.dead_lettered == 0, "given up in the wrong way");
        require(letters.kept == s.dead_lettered && letters.refused == s.unkept, "letters are off");
        require(letters.kept == letters.redriven + letters.discarded + letters.size, "letters do not add up");
        require(letters.size <= how_.letters.capacity, "more letters than may be");
        require((s.breaker == tidings::breaker_state::open) == breaker_.is_open(now()), "the breaker is off");
        for (const auto& each : dead_.list()) {
            const message& m = messages_.at(number(each));
            require(!m.is_handled && !m.is_gone, "a letter of what has ended");
            require(each.attempts == (each.attempts != 0 ? static_cast<int>(m.attempts) : 0), "a letter's attempts");
        }
    }

    /// The consumer ends while things are under way: they are discarded, and nothing is called.
    void end_early() {
        desk_->reset();
        const auto handled = handled_;
        sim_.advance(1h);
        require(handled_ == handled, "a handler runs after the end");
        require(desk_->stats().events.queued == 0, "something is queued after the end");
        require(dead_.redrive_all() == 0, "a letter was sent to nobody");
        at_rest();
    }

    /// All works again: in the end nothing is left, and each message has had one end.
    void end() {
        fails_ = false;
        for (int round = 0; wrong_.empty() && (desk_->stats().events.queued != 0 || !dead_.empty()); ++round) {
            require(round < 500, "it does not end");
            sim_.advance(2s);
            at_rest();
            // Letters and queue are full of one another's: somebody has to give one up.
            if (send_all() == 0) discard_one();
        }
        sim_.advance(1h);
        at_rest();
        for (std::size_t n = 0; n != messages_.size(); ++n) {
            const message& m = messages_[n];
            const bool given_up = m.is_over && !how_.has_letters();
            require(m.is_handled + m.is_gone + given_up <= 1, "two ends");
            require(m.is_handled || m.is_gone || given_up || is_known(n), "no end");
        }
        // Of one id, once.
        std::map<std::pair<int, std::uint64_t>, int> effects;
        for (const message& m : messages_) {
            int& count = effects[{m.handler, m.id}];
            count += m.is_handled ? 1 : 0;
            require(count <= 1, "an id has taken effect twice");
        }
    }

    std::mt19937_64 random_;
    policy how_;
    tidings::testing::simulation sim_;
    tidings::dead_letters dead_{how_.letters};
    tidings::bus bus_{
        {.executor = sim_.executor(), .clock = sim_.clock(), .on_error = [](const tidings::handler_error&) {}}};
    std::optional<tidings::consumer> desk_;
    model_of_breaker breaker_;
    std::vector<message> messages_;
    std::map<std::pair<int, int>, std::deque<std::size_t>> lines_;
    bool fails_ = true;
    std::uint64_t ids_ = 0;
    std::uint64_t accepted_ = 0;
    std::uint64_t handled_ = 0;
    std::uint64_t retried_ = 0;
    time_point next_by_rate_ = time_point::min();
    std::string wrong_;
};

#if defined(__OPTIMIZE__) && !TIDINGS_HAS_TSAN && !TIDINGS_HAS_ASAN
constexpr std::uint64_t histories = 3'000;
#else
constexpr std::uint64_t histories = 300;
#endif

}  // namespace

TEST_CASE("random histories of consumers are what a model says") {
    const std::uint64_t seed = support::fresh_seed("consumer");
    for (std::uint64_t n = 0; n != histories; ++n) {
        INFO("history " << n << " of seed " << seed);
        const std::string wrong = history{seed + n}.run();
        REQUIRE(wrong == "");
    }
}
