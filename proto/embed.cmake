# cmake -DFROM=file -DTO=file.c -DNAME=symbol -P embed.cmake: the bytes of a file as a C array.
file(READ ${FROM} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "((0x..,){20})" "\\1\n" bytes "${bytes}")
file(WRITE ${TO} "#include \"descriptors.h\"\n\nconst unsigned char ${NAME}[] = {\n${bytes}};\nconst size_t ${NAME}_len = sizeof(${NAME});\n")
