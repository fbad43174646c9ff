# Fails, and shows the difference, unless a program succeeds and prints what a file holds.
#   cmake -DPROGRAM=<file> -DEXPECTED=<file> -P check_output.cmake
cmake_minimum_required(VERSION 3.25)
cmake_path(GET PROGRAM FILENAME name)
set(actual "${CMAKE_CURRENT_BINARY_DIR}/${name}.txt")

execute_process(COMMAND "${PROGRAM}" OUTPUT_FILE "${actual}" RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  file(READ "${actual}" text)
  message(FATAL_ERROR "${name}: ${result}, after printing:\n${text}")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" -E compare_files "${EXPECTED}" "${actual}"
  RESULT_VARIABLE different ERROR_QUIET)
if(different)
  execute_process(COMMAND diff -u "${EXPECTED}" "${actual}")
  message(FATAL_ERROR "${name} does not print ${EXPECTED}")
endif()
