# Language level, warnings, sanitizers, ccache and a fast linker where present.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
                    -Wcast-qual -Woverloaded-virtual -Werror
                    -Wno-missing-field-initializers)  # designated initializers leave defaults
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of GCC 12 inside the standard library and Asio at -O2.
  add_compile_options(-Wno-error=maybe-uninitialized -Wno-error=stringop-overflow
                      -Wno-error=array-bounds -Wno-error=restrict -Wno-error=dangling-pointer)
endif()

if(PB_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")  # half the time to compile, and to run still fast
  # What only tests look at is compiled several files at a time: a quarter of the time. The release
  # is compiled file by file, so that none forgets an include.
  set(CMAKE_UNITY_BUILD ON)
  add_compile_options(-fsanitize=${PB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PB_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND PB_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=function)  # clang 14 cannot compile coroutines with it
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-subobject-linkage)  # of several files in one, nothing is a header
  endif()
  if(PB_SANITIZE MATCHES "thread")
    add_compile_options(-Wno-tsan -Wno-mismatched-new-delete)  # false alarms at -O1
  endif()
endif()

find_program(PB_CCACHE ccache)
if(PB_CCACHE)
  # Relative paths, so that another clone of the project finds what this one compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
                                  CCACHE_NOHASHDIR=1 ${PB_CCACHE})
endif()
find_program(PB_MOLD mold)
find_program(PB_LLD ld.lld)
if(PB_MOLD AND NOT PB_SANITIZE)
  add_link_options(-fuse-ld=mold)
elseif(PB_LLD)
  add_link_options(-fuse-ld=lld)
endif()

# pb_room(name SOURCES … DEPS …): the static library of one room under src/.
function(pb_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPS" ${ARGN})
  if(ROOM_SOURCES)
    add_library(pb_${name} STATIC ${ROOM_SOURCES})
    target_include_directories(pb_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(pb_${name} PUBLIC ${ROOM_DEPS})
  else()
    add_library(pb_${name} INTERFACE)
    target_include_directories(pb_${name} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(pb_${name} INTERFACE ${ROOM_DEPS})
  endif()
endfunction()
