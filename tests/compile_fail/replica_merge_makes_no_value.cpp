// expects: a merge function makes one value of two, V .const V&, const V&., and is const
#include <tidings/consumer/replica.hpp>

#include <set>

struct unite {
#ifdef MUST_NOT_COMPILE
    void operator()(std::set<int>& into, const std::set<int>& from) const { into.insert(from.begin(), from.end()); }
#else
    std::set<int> operator()(std::set<int> into, const std::set<int>& from) const {
        into.insert(from.begin(), from.end());
        return into;
    }
#endif
};

int main() {
    tidings::replica<int, std::set<int>, tidings::merge_siblings<unite>> concurrent;
    tidings::replica<int, std::set<int>, tidings::merge_values<unite>> tags;
    concurrent.apply({1, {}, std::set<int>{}});
    tags.apply({1, 1, std::set<int>{}});
}
