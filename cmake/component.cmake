include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(TIDINGS_PACKAGE_DIR "${CMAKE_INSTALL_DATADIR}/cmake/tidings")

# tidings_add_component(<name> HEADERS <header>... [UNTESTED <header>...] [LINK <target>...]
#                       [PACKAGE <name>] [WHEN <option>])
#
# Declares one layer of the library: its headers (relative to include/tidings), which of them need no test
# of their own, what it may include (LINK), and the package that an installed copy must find. Declare a
# component after those it links. The layering test reads this table even where WHEN leaves the target unbuilt.
function(tidings_add_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PACKAGE;WHEN" "HEADERS;UNTESTED;LINK")
  set(closure "")
  foreach(target IN LISTS arg_LINK)
    if(target MATCHES "^tidings::(.+)")
      get_property(below GLOBAL PROPERTY TIDINGS_${CMAKE_MATCH_1}_CLOSURE)
      list(APPEND closure ${below})
    endif()
  endforeach()
  list(APPEND closure ${name})
  list(REMOVE_DUPLICATES closure)
  set_property(GLOBAL APPEND PROPERTY TIDINGS_COMPONENTS ${name})
  set_property(GLOBAL PROPERTY TIDINGS_${name}_HEADERS ${arg_HEADERS})
  set_property(GLOBAL PROPERTY TIDINGS_${name}_UNTESTED ${arg_UNTESTED})
  set_property(GLOBAL PROPERTY TIDINGS_${name}_CLOSURE ${closure})
  set_property(GLOBAL PROPERTY TIDINGS_${name}_PACKAGE ${arg_PACKAGE})

  if(arg_WHEN AND NOT ${arg_WHEN})
    return()
  endif()
  if(arg_PACKAGE)
    find_package(${arg_PACKAGE} REQUIRED)
  endif()
  set(files ${arg_HEADERS})
  list(TRANSFORM files PREPEND "${PROJECT_SOURCE_DIR}/include/tidings/")
  add_library(tidings_${name} INTERFACE)
  add_library(tidings::${name} ALIAS tidings_${name})
  target_sources(tidings_${name} INTERFACE
    FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${files})
  target_compile_features(tidings_${name} INTERFACE cxx_std_20)
  target_link_libraries(tidings_${name} INTERFACE ${arg_LINK})
  set_target_properties(tidings_${name} PROPERTIES
    EXPORT_NAME ${name}
    VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL})
  if(TIDINGS_INSTALL)
    install(TARGETS tidings_${name} EXPORT tidings_${name} FILE_SET HEADERS)
    install(EXPORT tidings_${name} NAMESPACE tidings:: FILE tidings-${name}.cmake
      DESTINATION "${TIDINGS_PACKAGE_DIR}")
  endif()
endfunction()

# Installs what find_package(tidings COMPONENTS ...) and pkg-config read.
function(tidings_install_package)
  if(NOT TIDINGS_INSTALL)
    return()
  endif()
  get_property(components GLOBAL PROPERTY TIDINGS_COMPONENTS)
  set(TIDINGS_PACKAGE_TABLE "")
  foreach(component IN LISTS components)
    get_property(closure GLOBAL PROPERTY TIDINGS_${component}_CLOSURE)
    get_property(package GLOBAL PROPERTY TIDINGS_${component}_PACKAGE)
    string(APPEND TIDINGS_PACKAGE_TABLE
      "set(_tidings_${component}_closure ${closure})\nset(_tidings_${component}_package ${package})\n")
  endforeach()
  configure_package_config_file(cmake/tidings-config.cmake.in tidings-config.cmake
    INSTALL_DESTINATION "${TIDINGS_PACKAGE_DIR}")
  write_basic_package_version_file(tidings-config-version.cmake
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
  install(FILES
      "${PROJECT_BINARY_DIR}/tidings-config.cmake" "${PROJECT_BINARY_DIR}/tidings-config-version.cmake"
    DESTINATION "${TIDINGS_PACKAGE_DIR}")

  file(RELATIVE_PATH TIDINGS_PC_PREFIX "/${CMAKE_INSTALL_DATADIR}/pkgconfig" "/")
  configure_file(cmake/tidings.pc.in tidings.pc @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/tidings.pc" DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig")
endfunction()

# Adds the test tidings.layering (see check_layering.cmake).
function(tidings_add_layering_test)
  get_property(components GLOBAL PROPERTY TIDINGS_COMPONENTS)
  set(table "set(components ${components})\n")
  foreach(component IN LISTS components)
    foreach(column IN ITEMS HEADERS UNTESTED CLOSURE)
      get_property(value GLOBAL PROPERTY TIDINGS_${component}_${column})
      string(APPEND table "set(${component}_${column} ${value})\n")
    endforeach()
  endforeach()
  file(WRITE "${PROJECT_BINARY_DIR}/layers.cmake" "${table}")
  add_test(NAME tidings.layering COMMAND ${CMAKE_COMMAND}
    -DTABLE=${PROJECT_BINARY_DIR}/layers.cmake -DSOURCE=${PROJECT_SOURCE_DIR}
    -P ${PROJECT_SOURCE_DIR}/cmake/check_layering.cmake)
  set_tests_properties(tidings.layering PROPERTIES LABELS house)
endfunction()
