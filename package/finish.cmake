# finish.cmake - run by CPack over the folder that becomes the package: what Debian wants otherwise than `cmake --install` leaves it.
cmake_minimum_required(VERSION 3.25)
set(root ${CPACK_TEMPORARY_DIRECTORY})
set(doc ${root}/usr/share/doc/sluice)

# A file that was packed twice is the same: no name and no time in it.
function(compress)
	execute_process(COMMAND gzip -9nf ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(GLOB pages ${root}/usr/share/man/man*/*.[1-9])
compress(${pages})

file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)
file(REMOVE ${doc}/LICENSE) # copyright says where Debian keeps it
file(COPY ${CPACK_SLUICE_PACKAGE_DIR}/copyright DESTINATION ${doc})
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(${CPACK_SLUICE_PACKAGE_DIR}/changelog.in ${doc}/changelog.Debian @ONLY)
compress(${doc}/changelog ${doc}/changelog.Debian)

file(MAKE_DIRECTORY ${root}/usr/share/lintian/overrides)
configure_file(${CPACK_SLUICE_PACKAGE_DIR}/lintian-overrides ${root}/usr/share/lintian/overrides/sluice COPYONLY)
execute_process(COMMAND chmod -R u=rwX,go=rX ${root}/usr ${root}/etc COMMAND_ERROR_IS_FATAL ANY)
