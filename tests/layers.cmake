# layers.cmake - includes point down: daemon -> filter, policy -> bloom -> base; filter and policy never meet; and below
# daemon/ no header of threads, clocks, files or sockets is included. What the compiled libraries call and keep is looked
# at by tests/pure.sh.
# Run: cmake -DROOT=<source> -P layers.cmake

cmake_minimum_required(VERSION 3.25)

set(may_base "base")
set(may_bloom "bloom;base")
set(may_policy "policy;bloom;base")
set(may_filter "filter;base")
set(may_daemon "daemon;filter;policy;bloom;base")
# Headers of the system that a pure library has no use for.
set(impure "pthread\\.h|threads\\.h|time\\.h|sys/time\\.h|sys/socket\\.h|unistd\\.h|fcntl\\.h|signal\\.h|poll\\.h|sys/mman\\.h|sys/stat\\.h|dirent\\.h|netinet/.*|arpa/.*|linux/.*|libmnl/.*|urcu.*")
set(errors 0)

foreach(layer base bloom policy filter daemon)
	file(GLOB_RECURSE sources ${ROOT}/${layer}/*.c ${ROOT}/${layer}/*.h ${ROOT}/${layer}/*.def)
	foreach(source ${sources})
		file(RELATIVE_PATH name ${ROOT} ${source})
		file(STRINGS ${source} includes REGEX "^[ \t]*#[ \t]*include[ \t]+[\"<]")
		foreach(line ${includes})
			if(line MATCHES "\"([^\"/]+)/[^\"]+\"")
				if(NOT CMAKE_MATCH_1 IN_LIST may_${layer})
					message(SEND_ERROR "${name}: an include points up or sideways: ${line}")
					math(EXPR errors "${errors} + 1")
				endif()
			elseif(line MATCHES "\"[^\"/]+\"")
				message(SEND_ERROR "${name}: an include path is the path from the root: ${line}")
				math(EXPR errors "${errors} + 1")
			elseif(NOT layer STREQUAL "daemon" AND line MATCHES "<(${impure})>")
				message(SEND_ERROR "${name}: ${line} has no place below daemon/")
				math(EXPR errors "${errors} + 1")
			endif()
		endforeach()
	endforeach()
endforeach()
if(errors EQUAL 0)
	message(STATUS "layers: every include points down")
endif()
