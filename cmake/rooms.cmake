# How rooms, programs, tests and fuzz targets become CMake targets.

set(PEAL_ROOMS "" CACHE INTERNAL "rooms so far, lowest first")

# peal_room(NAME LIBS...): engine/NAME/*.c as a static library that sees the rooms before it.
function(peal_room name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/engine/${name}/*.c)
  if(NOT sources)
    return()
  endif()
  add_library(peal_${name} STATIC ${sources})
  target_include_directories(peal_${name} PUBLIC ${CMAKE_SOURCE_DIR}/engine)
  set(below ${PEAL_ROOMS})
  list(REVERSE below)
  target_link_libraries(peal_${name} PUBLIC ${below} ${ARGN})
  set(PEAL_ROOMS ${PEAL_ROOMS} peal_${name} CACHE INTERNAL "")
endfunction()

# peal_tone_plans(TARGET FOLDER): puts FOLDER/*.yaml into the target, each by its name.
function(peal_tone_plans target folder)
  set(PEAL_PLANS ${CMAKE_SOURCE_DIR}/${folder})
  set(out ${CMAKE_BINARY_DIR}/plans_shipped.c)
  file(GLOB plans CONFIGURE_DEPENDS ${PEAL_PLANS}/*.yaml)
  foreach(plan ${plans})
    get_filename_component(name ${plan} NAME_WE)
    string(APPEND PEAL_PLAN_TEXTS "PLAN(${name})\n")
    string(APPEND PEAL_PLAN_ROWS "    {\"${name}\", peal_plan_${name}, peal_plan_${name}_end},\n")
  endforeach()
  configure_file(${PEAL_PLANS}/shipped.c.in ${out} @ONLY)
  # .incbin is not reported as a dependency.
  set_source_files_properties(${out} TARGET_DIRECTORY ${target} PROPERTIES OBJECT_DEPENDS "${plans}")
  target_sources(${target} PRIVATE ${out})
endfunction()

# peal_number_tables(TARGET): puts the world's numbering plans into the target, made from the
# metadata of Debian's python3-phonenumbers.
function(peal_number_tables target)
  set(tool ${CMAKE_SOURCE_DIR}/tools/make-number-tables)
  set(out ${CMAKE_BINARY_DIR}/number_tables.c)
  add_custom_command(OUTPUT ${out} COMMAND ${tool} ${out} DEPENDS ${tool} VERBATIM
                     COMMENT "Making the tables of numbers")
  target_sources(${target} PRIVATE ${out})
endfunction()

# peal_program(NAME FOLDER): FOLDER/*.c as a program. Programs other than main.c's own objects can
# be linked by tests through NAME_objects.
function(peal_program name folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.c)
  if(NOT EXISTS ${CMAKE_SOURCE_DIR}/${folder}/main.c)
    return()
  endif()
  list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/${folder}/main.c)
  set(rooms ${PEAL_ROOMS})
  list(REVERSE rooms)
  string(REPLACE "-" "_" target ${name})
  if(sources)
    add_library(${target}_objects STATIC ${sources})
    target_include_directories(${target}_objects PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${target}_objects PUBLIC ${rooms})
  else()
    add_library(${target}_objects INTERFACE)
    target_link_libraries(${target}_objects INTERFACE ${rooms})
  endif()
  add_executable(${name} ${CMAKE_SOURCE_DIR}/${folder}/main.c)
  target_link_libraries(${name} PRIVATE ${target}_objects)
endfunction()

# Links a library that only tests and benches compare against; the code sees PEAL_HAVE_NAME.
function(peal_link_peer target peer)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "INTERFACE_LIBRARY")
    return()
  endif()
  target_link_libraries(${target} PUBLIC PkgConfig::${peer})
  target_compile_definitions(${target} PUBLIC PEAL_HAVE_${peer}=1)
endfunction()

set(PEAL_TEST_ENV
    "ASAN_OPTIONS=abort_on_error=1:detect_leaks=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "TSAN_OPTIONS=halt_on_error=1"
    "PEAL_SOURCE=${CMAKE_SOURCE_DIR}"
    "PEAL_BUILD=${CMAKE_BINARY_DIR}")

function(peal_add_test target label)
  add_test(NAME ${target} COMMAND ${target})
  set_tests_properties(${target} PROPERTIES TIMEOUT 120 LABELS ${label}
                       ENVIRONMENT "${PEAL_TEST_ENV}")
  if(label STREQUAL media) # audio in real time, by two threads: with less beside it
    set_tests_properties(${target} PROPERTIES PROCESSORS 2)
  endif()
endfunction()

# tests/ROOM/NAME_test.c    Criterion tests of a room (tests/sim/… link the simulator)
# tests/ROOM/NAME_thread.c  plain main(); also built and run under TSan
# tests/fuzz/NAME_fuzz.c    LLVMFuzzerTestOneInput; without PEAL_FUZZ its corpus
#                           tests/fuzz/corpus/NAME/* is replayed as a test
# tests/e2e/NAME_e2e.py     end to end against the built programs
# tests/tools/NAME.c        programs that tests drive
function(peal_tests)
  set(rooms ${PEAL_ROOMS})
  list(REVERSE rooms)
  file(GLOB criterion CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/*/*_test.c)
  file(GLOB threads CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/*/*_thread.c)
  file(GLOB fuzzers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.c)
  file(GLOB e2e CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/e2e/*_e2e.py)
  if(NOT TARGET PkgConfig::CRITERION)
    message(STATUS "Criterion is not installed: unit tests are not built (tools/setup test)")
  elseif(NOT PEAL_SANITIZE STREQUAL "thread" AND NOT PEAL_FUZZ)
    foreach(source ${criterion})
      peal_test_program(${source} target room)
      target_link_libraries(${target} PRIVATE PkgConfig::CRITERION)
      if(target MATCHES "osip" AND TARGET PkgConfig::OSIP)
        peal_link_peer(${target} OSIP)
      endif()
      if(target MATCHES "g722" AND TARGET PkgConfig::SPANDSP)
        peal_link_peer(${target} SPANDSP)
      endif()
      if(target MATCHES "srtp_oracle" AND TARGET PkgConfig::SRTP)
        peal_link_peer(${target} SRTP)
      endif()
      # Criterion's own macros trip the strict warnings.
      target_compile_options(${target} PRIVATE -Wno-pedantic -Wno-conversion -Wno-shadow -Wno-sign-compare
                                               -Wno-missing-field-initializers)
      peal_add_test(${target} ${room})
    endforeach()
  endif()
  file(GLOB tools CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/tools/*.c)
  foreach(source ${tools})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ${rooms})
  endforeach()
  if(NOT PEAL_FUZZ)
    foreach(source ${threads})
      peal_test_program(${source} target room)
      peal_add_test(${target} ${room})
    endforeach()
  endif()
  if(NOT PEAL_SANITIZE STREQUAL "thread")
    foreach(source ${fuzzers})
      get_filename_component(name ${source} NAME_WE)
      string(REGEX REPLACE "_fuzz$" "" corpus ${name})
      add_executable(${name} ${source})
      if(name MATCHES "^sim_" AND TARGET peal_sim_objects) # tests/fuzz/sim_NAME_fuzz.c
        target_link_libraries(${name} PRIVATE peal_sim_objects)
      endif()
      target_link_libraries(${name} PRIVATE ${rooms})
      if(PEAL_FUZZ)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
      else()
        target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
      endif()
      add_test(NAME ${name} COMMAND ${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${corpus})
      if(PEAL_FUZZ)
        set_tests_properties(${name} PROPERTIES DISABLED TRUE)
      endif()
      set_tests_properties(${name} PROPERTIES TIMEOUT 120 LABELS fuzz
                           ENVIRONMENT "${PEAL_TEST_ENV}")
    endforeach()
  endif()
  if(NOT PEAL_SANITIZE STREQUAL "thread" AND NOT PEAL_FUZZ)
    foreach(source ${e2e})
      get_filename_component(name ${source} NAME_WE)
      add_test(NAME ${name} COMMAND python3 ${source})
      set_tests_properties(${name} PROPERTIES TIMEOUT 1200 LABELS e2e
                           ENVIRONMENT "${PEAL_TEST_ENV}")
      if(name MATCHES "^(campaign|engines|pacing|treatments|redis_calls|caps|rules|serve)_e2e$")
        set_tests_properties(${name} PROPERTIES COST 100) # minutes each: begun first
      endif()
    endforeach()
  endif()
endfunction()

# One test program: tests/ROOM/NAME.c -> target ROOM_NAME linked with the rooms (and programs' objects).
function(peal_test_program source target_out room_out)
  get_filename_component(name ${source} NAME_WE)
  get_filename_component(folder ${source} DIRECTORY)
  get_filename_component(room ${folder} NAME)
  set(rooms ${PEAL_ROOMS})
  list(REVERSE rooms)
  set(target ${room}_${name})
  add_executable(${target} ${source})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/engine
                                               ${CMAKE_SOURCE_DIR}/tests)
  # A room's tests see that room and those below it, so a room can be built while others change.
  if(TARGET peal_${room})
    target_link_libraries(${target} PRIVATE peal_${room})
  else()
    foreach(objects peal_sim_objects peal_bench_objects)
      if(TARGET ${objects} AND ${objects} STREQUAL "peal_${room}_objects")
        target_link_libraries(${target} PRIVATE ${objects})
      endif()
    endforeach()
    target_link_libraries(${target} PRIVATE ${rooms})
  endif()
  set(${target_out} ${target} PARENT_SCOPE)
  set(${room_out} ${room} PARENT_SCOPE)
endfunction()
