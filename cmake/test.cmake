# Installs what is missing, builds the library's tests and runs them:  cmake -P cmake/test.cmake
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/packages.cmake")
tidings_require(c++ make catch2 json pkg-config)

if(NOT DEFINED ENV{CMAKE_BUILD_PARALLEL_LEVEL})
  cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
  set(ENV{CMAKE_BUILD_PARALLEL_LEVEL} ${cores})
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" --workflow --preset release
  WORKING_DIRECTORY "${CMAKE_CURRENT_LIST_DIR}/.." COMMAND_ERROR_IS_FATAL ANY)
