/// A class with a bug, or its twin without.
#pragma once

namespace tidings::simulation::seeded_bugs {

enum class version { broken, fixed };

}  // namespace tidings::simulation::seeded_bugs
