# pb_embed_text(target SOURCE … FROM … NAMESPACE … VARIABLE … HEADER …): compiles text files,
# joined in the order given, into the target as `const std::string_view NAMESPACE::VARIABLE`, which
# HEADER declares. As a script (cmake -P), writes that source.
if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  set(text "")
  string(REPLACE "|" ";" FROM "${FROM}")
  foreach(file ${FROM})
    file(READ ${file} part)
    string(APPEND text "${part}")
  endforeach()
  string(FIND "${text}" ")embedded\"" ends)
  if(NOT ends EQUAL -1)
    message(FATAL_ERROR "${FROM}: the text ends the string literal that holds it")
  endif()
  file(WRITE ${SOURCE} "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n\n"
       "const std::string_view ${VARIABLE} = R\"embedded(${text})embedded\";\n\n"
       "}  // namespace ${NAMESPACE}\n")
  return()
endif()

set(PB_EMBED_TEXT ${CMAKE_CURRENT_LIST_FILE})

function(pb_embed_text target)
  cmake_parse_arguments(EMBED "" "NAMESPACE;VARIABLE;HEADER" "FROM" ${ARGN})
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embedded/${EMBED_VARIABLE}.cpp)
  list(TRANSFORM EMBED_FROM PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  string(JOIN "|" from ${EMBED_FROM})
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} "-DFROM=${from}" -DSOURCE=${source} -DHEADER=${EMBED_HEADER}
            -DNAMESPACE=${EMBED_NAMESPACE} -DVARIABLE=${EMBED_VARIABLE} -P ${PB_EMBED_TEXT}
    DEPENDS ${EMBED_FROM} ${PB_EMBED_TEXT} VERBATIM)
  target_sources(${target} PRIVATE ${source})
endfunction()
