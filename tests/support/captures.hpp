// Things for handlers to capture, whose end can be observed.
#pragma once

#include <functional>
#include <memory>
#include <utility>

namespace support {

/// Calls a function once, when the last of the objects it was moved through is destroyed.
class at_end {
public:
    explicit at_end(std::function<void()> run) : run_{std::move(run)} {}
    at_end(at_end&& other) noexcept : run_{std::exchange(other.run_, nullptr)} {}
    at_end& operator=(at_end&&) = delete;
    ~at_end() {
        if (run_) run_();
    }

private:
    std::function<void()> run_;
};

/// Something to capture, and whether it still exists.
class watched {
public:
    /// A copy to capture.
    std::shared_ptr<int> copy() { return std::exchange(first_, nullptr); }
    bool exists() const noexcept { return !watch_.expired(); }

private:
    std::shared_ptr<int> first_ = std::make_shared<int>(0);
    std::weak_ptr<int> watch_ = first_;
};

}  // namespace support
