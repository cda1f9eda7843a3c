# A Debian package: cmake --preset package && cmake --build --preset package --target package
# One package holds program, library and headers: they are of one version, and the program is linked to the library's
# parts as they are. What knows MPI is a package of its own, rncl-mpi: releases differ in their MPI, and few need it.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME rncl)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_NAME rncl)
set(CPACK_DEBIAN_MPI_PACKAGE_NAME rncl-mpi)
set(CPACK_PACKAGE_VENDOR "The rncl authors")
set(CPACK_PACKAGE_CONTACT "The rncl authors <rncl@users.noreply.github.com>")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_RECOMMENDS "pocl-opencl-icd | opencl-icd")
set(CPACK_DEBIAN_MPI_PACKAGE_DEPENDS "rncl (= ${PROJECT_VERSION}-1)")
set(CPACK_DEBIAN_MPI_PACKAGE_RECOMMENDS openmpi-bin)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Trains, evaluates and exports ResNets (He et al. 2015) on GPUs, CPUs and
accelerators that have an OpenCL driver; with PoCL, on any CPU. Runs are
reproducible to the bit and can be stopped and resumed at any moment.

Includes the library librncl, its headers, results of tuning, and
recipes of the paper's experiments.")
set(CPACK_COMPONENT_MPI_DESCRIPTION
"Trains on several devices and machines at a time.

Lets rncl be started by mpirun.")

# What Debian's policy wants beside the licence and the changelog themselves.
set(package_folder ${CMAKE_CURRENT_BINARY_DIR}/package)
file(READ ${PROJECT_SOURCE_DIR}/LICENSE licence)
string(REGEX REPLACE "^MIT License\n\nCopyright[^\n]*\n\n" "" licence "${licence}")
string(REGEX REPLACE "\n\n" "\n.\n" licence "${licence}")
string(REGEX REPLACE "\n([^\n])" "\n \\1" licence "${licence}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/copyright.in ${package_folder}/copyright @ONLY)
configure_file(${CMAKE_CURRENT_LIST_DIR}/changelog.in ${package_folder}/changelog.Debian @ONLY)
configure_file(${PROJECT_SOURCE_DIR}/docs/changelog.md ${package_folder}/changelog COPYONLY)
execute_process(COMMAND gzip -9nf ${package_folder}/changelog ${package_folder}/changelog.Debian)
install(FILES ${package_folder}/copyright ${package_folder}/changelog.gz ${package_folder}/changelog.Debian.gz
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(MPI_C_FOUND)
  install(FILES ${package_folder}/copyright ${package_folder}/changelog.gz ${package_folder}/changelog.Debian.gz
    DESTINATION ${CMAKE_INSTALL_DOCDIR}-mpi COMPONENT mpi)
endif()

# The loader's cache is renewed by a trigger; CPack's own way is a script, which Debian no longer wants.
file(WRITE ${package_folder}/triggers "activate-noawait ldconfig\n")
file(WRITE ${package_folder}/shlibs "librncl ${PROJECT_VERSION_MAJOR} rncl (>= ${PROJECT_VERSION})\n")
file(CHMOD ${package_folder}/triggers ${package_folder}/shlibs PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_CONTROL_EXTRA ${package_folder}/triggers ${package_folder}/shlibs)

include(CPack)
