# Fails where the project's folder holds something else than was agreed, but for dot files and builds.
#   cmake -DSOURCE=<project> -P check_top_level.cmake
cmake_minimum_required(VERSION 3.25)
set(agreed
  CHANGELOG.md CMakeLists.txt CMakePresets.json LICENSE README.md
  benchmarks cmake docs examples include tests
  build)

file(GLOB entries RELATIVE "${SOURCE}" "${SOURCE}/*")
list(FILTER entries EXCLUDE REGEX "^\\.")
list(REMOVE_ITEM entries CMakeUserPresets.json ${agreed})
if(entries)
  message(FATAL_ERROR "top level: what is ${entries}?")
endif()
