# Fails where <tidings/tidings.hpp> brings in more lines than its budget: the standard headers that it needs
# are some 60,000 of them, and one heavy header (<regex>, <ranges>, <iostream>) is noticed.
# What the docs say of it has to be true to two hundredths.
#   cmake -DCOMPILER=<c++> -DINCLUDE=<dir> -DDOCS=<file> -P umbrella_budget.cmake
cmake_minimum_required(VERSION 3.25)
set(budget 65000)

execute_process(COMMAND "${COMPILER}" -std=c++20 -E -P -I "${INCLUDE}" -include tidings/tidings.hpp -x c++ /dev/null
  OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\n" lines "${text}")
list(LENGTH lines count)

message(STATUS "<tidings/tidings.hpp> is ${count} lines of ${budget}")
if(count GREATER budget)
  message(FATAL_ERROR "over budget")
endif()

file(READ "${DOCS}" docs)
if(NOT docs MATCHES "`<tidings/tidings.hpp>` is ([0-9]+),([0-9]+) lines")
  message(FATAL_ERROR "${DOCS} does not say how many lines it is")
endif()
math(EXPR off "(${CMAKE_MATCH_1}${CMAKE_MATCH_2} - ${count}) * 50 / ${count}")
if(NOT off EQUAL 0)
  message(FATAL_ERROR "${DOCS} says ${CMAKE_MATCH_1},${CMAKE_MATCH_2}")
endif()
