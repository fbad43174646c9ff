// Catch2 2 is a header: main() and the framework are compiled here, once.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
