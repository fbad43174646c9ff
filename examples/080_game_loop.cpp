// A game: one thread owns the world and runs what came in, once a frame. Other threads just publish, and timers go by
// the game's own time.
#include <tidings/testing/simulation.hpp>
#include <tidings/tidings.hpp>

#include <barrier>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>

using namespace std::chrono_literals;

constexpr int frames = 7;

struct key_pressed {
    char key = ' ';
};
struct player_joined {
    std::string name;
};
struct bomb_exploded {
    int place = 0;
};
struct second_begun {};

int main() {
    // Handlers wait here until the game says so.
    tidings::manual_executor loop;

    // Time that moves by a fixed step for each frame, however long the frame takes. Of the simulation we need the clock
    // alone.
    tidings::testing::simulation time{1};
    tidings::bus bus{{.executor = loop, .clock = time.clock()}};

    // The world. No lock: all that touches it runs on this thread, inside loop.run().
    int player = 0;
    int frame = 0;
    const auto say = [&](const std::string& what) { std::cout << "frame " << frame << ": " << what << '\n'; };
    const auto game_thread = std::this_thread::get_id();
    bool always_here = true;

    auto keys = bus.subscribe(
        [&](const key_pressed& k) {
            always_here = always_here && std::this_thread::get_id() == game_thread;
            if (k.key == '>') ++player;
            if (k.key == '<') --player;
            say("the player is at " + std::to_string(player));
            if (k.key != '!') return;
            say("a bomb is laid at " + std::to_string(player));
            // Dropping the timer leaves the bomb where it is; cancel() would take it back.
            static_cast<void>(bus.publish_after(500ms, bomb_exploded{player}));
        },
        tidings::async);
    auto joining = bus.subscribe([&](const player_joined& p) { say(p.name + " joins"); }, tidings::async);

    // Timers publish inside loop.run() as well: a handler without a queue is on the game's thread, too.
    auto bombs = bus.subscribe([&](const bomb_exploded& b) {
        say("a bomb explodes at " + std::to_string(b.place) + (b.place == player ? ", with the player" : ""));
    });
    int seconds = 0;
    auto watch = bus.subscribe([&](const second_begun&) { say("second " + std::to_string(++seconds)); });
    tidings::timer every_second = bus.publish_every(1s, second_begun{});

    // The keyboard and the network, each on a thread of its own. The barrier makes the output the same in every run: in
    // a real game events come when they come, and are handled in the next frame.
    std::barrier step{3};
    const auto before_each_frame = [&](auto act) {
        for (int n = 1; n <= frames; ++n) {
            act(n);
            step.arrive_and_wait();  // the frame begins
            step.arrive_and_wait();  // it has ended
        }
    };
    std::jthread keyboard{[&] {
        before_each_frame([&](int n) {
            if (n != 3) bus.publish(key_pressed{">> !<<<"[n - 1]});
        });
    }};
    std::jthread network{[&] {
        before_each_frame([&](int n) {
            if (n == 3) bus.publish(player_joined{"Grace"});
        });
    }};

    for (frame = 1; frame <= frames; ++frame) {
        step.arrive_and_wait();
        time.advance(250ms);
        loop.run();  // or run_for(4ms): what is left then comes with the next frame
        step.arrive_and_wait();
    }
    std::cout << "every key was handled on the game's thread: " << (always_here ? "yes" : "no") << '\n';
}
