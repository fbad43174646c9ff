/// publishers/<subject>/<handlers>/threads:<n>: events a second, when publishers share the subject and nothing else.
#include <measure.hpp>
#include <register.hpp>
#include <subjects/all.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace {

constexpr std::size_t most_handlers = 4;

/// Each publisher sends its own, so that the handlers count where no other thread writes.
struct alignas(256) tally {
    mutable std::array<std::uint64_t, most_handlers> counters{};
};

struct add_to_the_publishers_own {
    std::size_t which;
    void operator()(const tally& e) const { ++e.counters[which]; }
};

template <class Subject>
struct shared_subject {
    explicit shared_subject(std::size_t handlers) {
        for (std::size_t n = 0; n < handlers; ++n)
            subscriptions.push_back(subject.subscribe(add_to_the_publishers_own{n}));
    }
    Subject subject;
    std::vector<decltype(subject.subscribe(add_to_the_publishers_own{}))> subscriptions;
};

/// Google Benchmark runs it once in each thread.
template <class Subject>
void publishers(benchmark::State& state) {
    static std::mutex mutex;
    static std::weak_ptr<shared_subject<Subject>> in_use;
    const auto handlers = static_cast<std::size_t>(state.range(0));
    std::shared_ptr<shared_subject<Subject>> shared;
    {
        const std::lock_guard lock{mutex};
        shared = in_use.lock();
        if (shared == nullptr) in_use = shared = std::make_shared<shared_subject<Subject>>(handlers);
    }
    Subject& subject = shared->subject;
    const auto own = std::make_unique<tally>();
    measure(state, [&] { subject.publish(*own); });
    require_called(state, std::span{own->counters}.first(handlers));
}

}  // namespace

void register_publishers() {
    const auto add = []<class Subject> {
        const std::string name = std::string{"publishers/"} + Subject::name;
        auto* const added = benchmark::RegisterBenchmark(name.c_str(), publishers<Subject>);
        added->Arg(1)->Arg(most_handlers)->Threads(1)->Threads(2)->UseRealTime();
    };
    add.operator()<function_loop<tally>>();  // nobody subscribes meanwhile: what the machine can do
    for_each_subject<tally>([&]<class Subject> {
        if constexpr (Subject::stands_threads) add.template operator()<Subject>();
    });
}
