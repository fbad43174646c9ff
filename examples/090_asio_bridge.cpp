// Somebody else's event loop as an executor: here that of Asio. Handlers then run on the thread that runs the
// io_context, beside its timers and sockets, and need no lock against those.
#include <tidings/tidings.hpp>

#include <asio.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

// All that is needed: post(), from any thread. A task that Asio drops, with the io_context, is destroyed; the bus then
// counts its events as discarded. With Boost it is boost::asio, and nothing else is different.
class asio_executor {
public:
    explicit asio_executor(asio::io_context& io) : io_{io} {}
    void post(tidings::task work) {
        asio::post(io_, [work = std::move(work)]() mutable { work(); });
    }

private:
    asio::io_context& io_;
};
static_assert(tidings::executor<asio_executor>);

struct door_opened {
    std::string door;
};
struct door_left_open {
    std::string door;
};

// Lives on the io_context's thread: Asio's timer is touched by no other.
class guard {
public:
    using listens_to = tidings::events<door_opened, door_left_open>;

    guard(asio::io_context& io, tidings::bus& bus) : patience_{io}, bus_{bus}, work_{io.get_executor()} {}

    void on(const door_opened& d) {
        std::cout << "opened: " << d.door << where();
        patience_.expires_after(std::chrono::milliseconds{20});
        patience_.async_wait([this, door = d.door](const std::error_code& cancelled) {
            if (!cancelled) bus_.publish(door_left_open{door});  // from Asio's world back into ours
        });
    }
    void on(const door_left_open& d) {
        std::cout << "left open: " << d.door << where();
        work_.reset();
    }

private:
    const char* where() const {
        return std::this_thread::get_id() == home_ ? ", on the io_context's thread\n" : ", elsewhere\n";
    }

    asio::steady_timer patience_;
    tidings::bus& bus_;
    std::thread::id home_ = std::this_thread::get_id();
    // While there is one, run() does not return although there is nothing to do: events may come from elsewhere.
    asio::executor_work_guard<asio::io_context::executor_type> work_;
};

int main() {
    // In this order, because an executor of one's own has to outlive the bus.
    asio::io_context io;
    asio_executor on_io{io};
    tidings::bus bus{{.executor = on_io}};

    guard house{io, bus};
    auto guarding = tidings::listen(bus, house, tidings::async);

    std::jthread visitor{[&] { bus.publish(door_opened{"cellar"}); }};
    io.run();
}
