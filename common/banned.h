/*
 * banned -- calls this project does not use, turned into compile errors.
 *
 * Include it last in every .c file. Each name has a bounded or reentrant counterpart.
 */
#ifndef TAPECAST_COMMON_BANNED_H
#define TAPECAST_COMMON_BANNED_H

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets
#pragma GCC poison strtok atoi atol atoll atof
#pragma GCC poison localtime gmtime ctime asctime rand srand

#endif
