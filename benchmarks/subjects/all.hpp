/// The subjects that are measured side by side.
#pragma once

#include <subjects/function_loop.hpp>
#include <subjects/locked_loop.hpp>
#include <subjects/pointer_loop.hpp>
#include <subjects/tidings_bus.hpp>

#if defined(TIDINGS_HAVE_SIGNALS2)
#include <subjects/boost_signals2.hpp>
#endif
#if defined(TIDINGS_HAVE_SIGCPP)
#include <subjects/sigcpp.hpp>
#endif

/// Calls `visit.operator()<subject>()` for each that can also unsubscribe.
template <class E, class Visit>
void for_each_library(Visit visit) {
    visit.template operator()<tidings_bus<E>>();
#if defined(TIDINGS_HAVE_SIGNALS2)
    visit.template operator()<boost_signals2<E>>();
#endif
#if defined(TIDINGS_HAVE_SIGCPP)
    visit.template operator()<sigcpp<E>>();
#endif
}

template <class E, class Visit>
void for_each_subject(Visit visit) {
    visit.template operator()<function_loop<E>>();
    visit.template operator()<pointer_loop<E>>();
    visit.template operator()<locked_loop<E>>();
    for_each_library<E>(visit);
}
