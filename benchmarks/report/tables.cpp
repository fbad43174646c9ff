#include <report/machine.hpp>
#include <report/markdown.hpp>
#include <report/requirements.hpp>
#include <report/tables.hpp>
#include <report/titles.hpp>

#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace report {
namespace {

using columns = std::vector<std::pair<std::string, std::string>>;  // heading, end of the benchmark's name

void write_publish(std::ostream& out, const results& all, const std::string& group,
                   const std::vector<std::string>& handlers) {
    std::vector<std::string> headings = handlers;
    headings.emplace_back("allocations");
    write_heading(out, "handlers", headings);
    for (const title& subject : subjects) {
        const std::string name = group + "/" + std::string{subject.name} + "/";
        if (!all.nanoseconds(name + "4")) continue;
        out << '|' << cell(std::string{subject.shown});
        for (const std::string& n : handlers) out << cell(shown(all.nanoseconds(name + n)));
        out << cell(whole(all.allocations(name + "4"))) << '\n';
    }
}

void write_publish(std::ostream& out, const results& all) {
    out << "\n## Publish\n\nNanoseconds for one publish, by the number of handlers; each adds to a counter.\n";
    write_publish(out, all, "publish", {"0", "1", "4", "16", "64"});
    out << "\nThe same with handlers each of a type of its own: those of one type that stand next to each other are "
           "called in one loop.\n";
    write_publish(out, all, "publish_differing", {"4", "16", "64"});
}

void write_publishers(std::ostream& out, const results& all) {
    out << "\n## Two publishers\n\nMillions of events a second, when two threads publish on the same bus, events of "
           "the "
           "same type. The unsynchronised loop shares only what nobody writes: it is what the machine can do.\n";
    write_heading(out, "handlers", {"1: alone", "both", "gain", "4: alone", "both", "gain"});
    for (const title& subject : subjects) {
        const std::string name = "publishers/" + std::string{subject.name} + "/";
        if (!all.nanoseconds(name + "1/threads:1")) continue;
        out << '|' << cell(std::string{subject.shown});
        for (const char* handlers : {"1", "4"}) {
            const std::string one = name + handlers + "/threads:1";
            const std::string two = name + handlers + "/threads:2";
            for (const std::string& each : {one, two}) out << cell(shown(1e3 / all.nanoseconds(each).value_or(0)));
            out << cell(shown(all.ratio(one, two)) + "x");
        }
        out << '\n';
    }
}

void write_subscribe(std::ostream& out, const results& all) {
    out << "\n## Subscribe and unsubscribe\n\nNanoseconds for one subscription made and ended, alone and beside 1,000 "
           "others. With a publish between each, there are two publishes to all of them in it.\n";
    write_heading(out, "", {"alone", "allocations", "beside 1,000", "allocations"});
    const columns ways{{"", "quiet"},
                       {", another thread has published", "beside_a_publisher"},
                       {", a publish between each", "between_publishes"},
                       {", while another thread publishes", "while_another_publishes"}};
    for (const auto& [suffix, way] : ways) {
        for (const title& subject : subjects) {
            const std::string name = "subscribe/" + way + "/" + std::string{subject.name};
            if (!all.nanoseconds(name + "/0")) continue;
            out << '|' << cell(std::string{subject.shown} + suffix);
            for (const char* others : {"/0", "/1000"})
                out << cell(shown(all.nanoseconds(name + others))) << cell(whole(all.allocations(name + others)));
            out << '\n';
        }
    }
}

void write_lifetimes(std::ostream& out, const results& all) {
    out << "\n## Many subscriptions\n\nNanoseconds for one, when so many are made and, after a publish, ended. A dash: "
           "given up after a second.\n";
    write_heading(out, "", {"1,000", "10,000", "100,000"});
    const columns kinds{{"made", "made"},
                        {"made, with 16 priorities mixed", "made_with_mixed_priorities"},
                        {"ended, in order", "ended_in_order"},
                        {"ended, in reverse", "ended_in_reverse"},
                        {"ended, at random", "ended_at_random"}};
    for (const auto& [heading, kind] : kinds) {
        out << '|' << cell(heading);
        for (const char* n : {"/1000", "/10000", "/100000"})
            out << cell(shown(all.nanoseconds("lifetimes/" + kind + n)));
        out << '\n';
    }
}

void write_variants(std::ostream& out, const results& all) {
    out << "\n## What more costs\n\nNanoseconds for one publish to one handler.\n";
    write_heading(out, "", {"ns", "allocations"});
    const columns variants{{"nothing more", "variant/plain"},
                           {"the result is used", "variant/result_used"},
                           {"nobody ever listened", "variant/nobody_listens"},
                           {"nobody listens any more", "variant/nobody_listens_any_more"},
                           {"one of 100 types in turn", "event_types/100"},
                           {"a member function", "variant/member_function"},
                           {"a listener held by weak_ptr", "variant/weak_listener"},
                           {"a filter that lets it pass", "variant/filter_passes"},
                           {"a filter that declines", "variant/filter_declines"},
                           {"the handler takes the context", "variant/context_taken"},
                           {"and asks for its id", "variant/id_made"},
                           {"and asks for the time", "variant/time_read"},
                           {"options: key and source", "variant/with_options"},
                           {"options: a header", "variant/with_a_header"},
                           {"a topic seen before, beside 10,000 patterns", "topics/seen/1"},
                           {"a topic that is new, beside 10,000 patterns", "topics/unseen/1"},
                           {"a publish in a publish", "variant/nested"},
                           {"and the inner one asks for its correlation", "variant/nested_id_made"},
                           {"the handler throws", "variant/handler_throws"}};
    for (const auto& [heading, name] : variants)
        out << '|' << cell(heading) << cell(shown(all.nanoseconds(name))) << cell(whole(all.allocations(name))) << '\n';
}

}  // namespace

void write_tables(std::ostream& out, const results& all, int runs) {
    out << "# Measured\n\n"
        << machine() << "; " << compiler() << ", -O2 -DNDEBUG. Medians of " << runs
        << " runs of the program; within a run, the repetitions of all benchmarks are shuffled. A ratio is of figures "
           "of "
           "the same run.\n";
    write_requirements(out, requirements(all));
    write_publish(out, all);
    write_publishers(out, all);
    write_subscribe(out, all);
    write_lifetimes(out, all);
    write_variants(out, all);
}

}  // namespace report
