# rncl::shared, rncl::static, and rncl::rncl, which is the shared one.
include(${CMAKE_CURRENT_LIST_DIR}/rncl-targets.cmake)
if(NOT TARGET rncl::rncl)
  add_library(rncl::rncl ALIAS rncl::shared)
endif()
