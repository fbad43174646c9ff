# Installs what this machine lacks, and only that. A script includes it and calls tidings_require(<need>...), or
# it is itself the script:  cmake -P cmake/packages.cmake -- <need>...
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/arguments.cmake")

# What shows that a need is met (any one program, header or path), and the package that meets it, by package
# manager. Tried with apt-get on Debian 12 only: the other columns are untested. A dash: no package known.
set(tidings_managers                                       apt-get            dnf          pacman        brew)
set(tidings_needs
  "c++          c++,g++,clang++                            g++                gcc-c++      gcc           llvm"
  "make         make,gmake                                 make               make         make          make"
  "catch2       catch2/catch.hpp,catch2/catch_all.hpp      catch2             catch-devel  catch2        catch2"
  "json         nlohmann/json.hpp                          nlohmann-json3-dev json-devel   nlohmann-json nlohmann-json"
  "asio         asio/io_context.hpp                        libasio-dev        asio-devel   asio          asio"
  "pkg-config   pkg-config,pkgconf                         pkg-config         pkgconf      pkgconf       pkgconf"
  # The rest is for continuous integration.
  "clang        clang++                                    clang              -            -             -"
  "clang-rt     /usr/lib/llvm-*/lib/clang/*/lib/linux/*tsan* libclang-rt-dev    -            -             -"
  "clang-tidy   clang-tidy                                 clang-tidy         -            -             -"
  "clang-format clang-format-16                            clang-format-16    -            -             -"
  "benchmark    benchmark/benchmark.h                      libbenchmark-dev   -            -             -"
  "signals2     boost/signals2.hpp                         libboost-dev       -            -             -"
  "sigc++       sigc++-3.0/sigc++/sigc++.h                 libsigc++-3.0-dev  -            -             -"
  "concurrentqueue concurrentqueue/blockingconcurrentqueue.h libconcurrentqueue-dev -    -             -"
  "tbb          tbb/concurrent_queue.h                     libtbb-dev         -            -             -")

function(tidings_any_found variable signs)
  set(${variable} FALSE PARENT_SCOPE)
  string(REPLACE "," ";" signs "${signs}")
  foreach(sign IN LISTS signs)
    unset(found)
    if(IS_ABSOLUTE "${sign}")
      file(GLOB found "${sign}")
    elseif(sign MATCHES "/")
      find_path(found "${sign}" PATHS /usr/include /usr/local/include /opt/homebrew/include NO_CACHE)
    else()
      find_program(found "${sign}" NO_CACHE)
    endif()
    if(found)
      set(${variable} TRUE PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

function(tidings_install manager packages)
  set(apt-get_install env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends)
  set(dnf_install dnf install --assumeyes)
  set(pacman_install pacman -S --needed --noconfirm)
  set(brew_install brew install)
  set(install ${${manager}_install} ${packages})
  list(JOIN install " " shown)

  set(as_root "")
  execute_process(COMMAND id -u OUTPUT_VARIABLE user OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT user EQUAL 0 AND NOT manager STREQUAL "brew")
    find_program(sudo sudo NO_CACHE)
    set(as_root "${sudo}")
    if(NOT sudo)
      message(FATAL_ERROR "Something is missing here. Run this as root, and then try again:\n  ${shown}")
    endif()
  endif()

  message(STATUS "${shown}")
  if(manager STREQUAL "apt-get")
    # The package lists may be missing or out of date: either shows as a download that fails.
    execute_process(COMMAND ${as_root} ${install} --download-only RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(failed)
      execute_process(COMMAND ${as_root} apt-get update COMMAND_ERROR_IS_FATAL ANY)
    endif()
  endif()
  execute_process(COMMAND ${as_root} ${install} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(tidings_require)
  set(manager "")
  foreach(candidate IN LISTS tidings_managers)
    find_program(found "${candidate}" NO_CACHE)
    if(found AND NOT manager)
      set(manager "${candidate}")
    endif()
    unset(found)
  endforeach()
  list(FIND tidings_managers "${manager}" column)

  set(packages "")
  set(by_hand "")
  foreach(line IN LISTS tidings_needs)
    separate_arguments(line UNIX_COMMAND "${line}")
    list(POP_FRONT line need signs)
    if(NOT need IN_LIST ARGN)
      continue()
    endif()
    list(REMOVE_ITEM ARGN ${need})
    tidings_any_found(met "${signs}")
    if(met)
      continue()
    endif()
    list(GET line 0 debian)
    set(package "-")
    if(manager)
      list(GET line ${column} package)
    endif()
    if(package STREQUAL "-")
      list(APPEND by_hand "${need} (Debian's package ${debian})")
    else()
      list(APPEND packages ${package})
    endif()
  endforeach()

  if(ARGN)
    message(FATAL_ERROR "cmake/packages.cmake knows no '${ARGN}'")
  endif()
  if(by_hand)
    list(JOIN by_hand "\n  " by_hand)
    message(FATAL_ERROR "Missing here, and to be installed by hand before trying again:\n  ${by_hand}")
  endif()
  if(packages)
    tidings_install(${manager} "${packages}")
  endif()
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  tidings_arguments(needs)
  tidings_require(${needs})
endif()
