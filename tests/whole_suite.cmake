# Tests that need more than this build folder: the front end's, the fuzzers, and our own test
# programs and black-box tests once more over the sanitizer builds.
foreach(script check test size)
  add_test(NAME web.${script} COMMAND npm run --silent ${script}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/web)
  set_tests_properties(web.${script} PROPERTIES LABELS web TIMEOUT 300)
endforeach()

set(asan ${CMAKE_SOURCE_DIR}/build/asan-ubsan)
file(GLOB fuzzers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/*.cpp)
foreach(source ${fuzzers})
  cmake_path(GET source STEM name)
  add_test(NAME fuzz.${name}
           COMMAND ${asan}/bin/fuzz_${name} -max_total_time=5 -timeout=10 -rss_limit_mb=2048
                   -artifact_prefix=${asan}/fuzz/${name}- ${asan}/fuzz/${name})
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120 ENVIRONMENT
                       "${PB_SANITIZER_ENVIRONMENT}")
endforeach()

# These start no server, or are about scripts; of the others over Redis one is enough here.
list(FILTER blackbox_files EXCLUDE REGEX
     "test_(codec|archive|backup|bad_redis|delivery|run_cluster)")
get_property(binaries GLOBAL PROPERTY PB_GTEST_BINARIES)
foreach(preset asan-ubsan tsan)
  set(bin ${CMAKE_SOURCE_DIR}/build/${preset}/bin)
  foreach(binary ${binaries})
    add_test(NAME sanitizer.${preset}.${binary} COMMAND ${bin}/${binary} --gtest_brief=1
             WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(sanitizer.${preset}.${binary} PROPERTIES LABELS sanitizer TIMEOUT 600
                         ENVIRONMENT "${PB_SANITIZER_ENVIRONMENT}")
  endforeach()
  if(preset STREQUAL tsan)
    list(FILTER blackbox_files EXCLUDE REGEX "test_loadtest")  # of one thread
  endif()
  foreach(file ${blackbox_files})
    cmake_path(GET file STEM name)
    string(REPLACE "test_" "blackbox_" name ${name})
    pb_pytest(sanitizer.${preset}.${name} LABEL sanitizer FILE ${file}
              ENVIRONMENT PIXEL_BATTLE_BIN=${bin}/pixel-battle
                          COUNTER_APP_BIN=${bin}/counter-app PB_FAST=1
                          ${PB_SANITIZER_ENVIRONMENT})
  endforeach()
endforeach()
