# Fails unless the command fails and says all that the case expects.
#   cmake -DCASE=<file> -P must_not_compile.cmake -- <command>...
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/../../cmake/arguments.cmake")
tidings_arguments(command)

file(STRINGS "${CASE}" expectations REGEX "^// expects: ")
if(NOT expectations)
  message(FATAL_ERROR "${CASE} has no line '// expects: <regular expression>'")
endif()

execute_process(COMMAND ${command} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0)
  message(FATAL_ERROR "it compiles")
endif()
foreach(expectation IN LISTS expectations)
  string(REGEX REPLACE "^// expects: " "" expectation "${expectation}")
  if(NOT output MATCHES "${expectation}")
    message(FATAL_ERROR "no match for '${expectation}' in:\n${output}")
  endif()
endforeach()
