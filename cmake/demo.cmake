# Installs what is missing, builds the example github_webhooks and runs it, with whatever follows `--`:
#   cmake -P cmake/demo.cmake [-- <argument>...]
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/packages.cmake")
tidings_require(c++ make json)

set(source "${CMAKE_CURRENT_LIST_DIR}/..")
set(build "${source}/build/demo")
set(program tidings.examples.github_webhooks)

# Quiet unless it fails: what is worth seeing comes after.
message(STATUS "building ${program}")
function(run_quietly)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    message(FATAL_ERROR "${output}")
  endif()
endfunction()
run_quietly("${CMAKE_COMMAND}" -S "${source}" -B "${build}" -DCMAKE_BUILD_TYPE=Release
  -DTIDINGS_BUILD_TESTS=OFF -DTIDINGS_BUILD_BENCHMARKS=OFF)
run_quietly("${CMAKE_COMMAND}" --build "${build}" --target ${program})

tidings_arguments(arguments)
execute_process(COMMAND "${build}/examples/${program}" ${arguments} COMMAND_ERROR_IS_FATAL ANY)
