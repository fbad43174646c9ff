#include <tidings/tidings.hpp>
