/// A thread that lives, and sleeps, as long as the object.
///
/// While a program has one thread only, the GNU library leaves out the locked instructions of shared_ptr and of
/// others, and peers would look faster than they are in any program that needs them.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

class second_thread {
public:
    second_thread();
    ~second_thread();
    second_thread(const second_thread&) = delete;
    second_thread& operator=(const second_thread&) = delete;

    /// Ends the program unless one lives.
    static void require() noexcept;

private:
    void sleep();

    std::mutex mutex_;
    std::condition_variable ending_;
    bool ending_soon_ = false;
    std::thread thread_;
};
