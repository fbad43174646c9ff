/// What the program of a run has once: see process_wide().
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace tidings::simulation {

class process_objects {
public:
    /// The object with that key, made by `make`, which returns a std::shared_ptr<T>, at its first use.
    template <class T, class Make>
    T& get(const void* key, Make make) {
        for (const auto& [known, held] : objects_)
            if (known == key) return *static_cast<T*>(held.get());
        objects_.emplace_back(key, std::shared_ptr<void>{make()});
        return *static_cast<T*>(objects_.back().second.get());
    }

    /// Last made, first destroyed. What their destructors make anew is destroyed, too.
    void destroy() {
        while (!objects_.empty()) {
            const auto last = std::move(objects_.back());
            objects_.pop_back();
        }
    }

private:
    std::vector<std::pair<const void*, std::shared_ptr<void>>> objects_;
};

}  // namespace tidings::simulation
