# Manual pages and completions of shells: printed by the program that they are about.
if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
  message(STATUS "cross-compiling without an emulator: no manual pages and completions")
  return()
endif()

set(shell_folder ${CMAKE_CURRENT_BINARY_DIR}/shell)
add_custom_command(OUTPUT ${shell_folder}/stamp
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${shell_folder}
  COMMAND rncl man-pages ${shell_folder}/man1
  COMMAND gzip -9nr ${shell_folder}/man1
  COMMAND rncl completion bash > ${shell_folder}/rncl
  COMMAND rncl completion zsh > ${shell_folder}/_rncl
  COMMAND rncl completion fish > ${shell_folder}/rncl.fish
  COMMAND ${CMAKE_COMMAND} -E touch ${shell_folder}/stamp
  DEPENDS rncl VERBATIM)
add_custom_target(shell ALL DEPENDS ${shell_folder}/stamp)

# Where each shell looks for what packages bring; zsh of Debian has a folder of its own for that.
if(EXISTS /etc/debian_version)
  set(zsh_folder vendor-completions)
else()
  set(zsh_folder site-functions)
endif()
install(DIRECTORY ${shell_folder}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
install(FILES ${shell_folder}/rncl DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${shell_folder}/_rncl DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${zsh_folder})
install(FILES ${shell_folder}/rncl.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
