# Writes OUTPUT, a C file that holds the text of every file in FILES: those of FOLDER under their path below it
# ("conv/direct.clh"), others (kernel_abi.h) under their base name.
set(arrays "")
set(entries "")
set(number 0)
foreach(file ${FILES})
  file(RELATIVE_PATH name ${FOLDER} ${file})
  if(name MATCHES "^\\.\\.")
    get_filename_component(name ${file} NAME)
  endif()
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const unsigned char text_${number}[] = {${bytes}0};\n")
  string(APPEND entries "    {\"${name}\", (const char *)text_${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "#include \"kernel_sources.h\"\n\n${arrays}
const rncl_kernel_source rncl_kernel_sources[] = {\n${entries}};
const size_t rncl_kernel_source_count = ${number};\n")
