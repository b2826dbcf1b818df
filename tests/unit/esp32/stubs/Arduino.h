/*
 * Arduino -- as much of the Arduino core as the sketch uses, on this machine: a clock and a serial
 * line that the test looks at.
 */
#ifndef STUB_ARDUINO_H
#define STUB_ARDUINO_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <string>

typedef uint8_t byte;

inline unsigned long stub_millis;
inline unsigned long millis()
{
    return stub_millis;
}

inline long random(long below)
{
    return below / 2;
}

struct StubSerial {
    std::string text;

    void begin(unsigned long)
    {
    }
    void print(const char *s)
    {
        text += s;
    }
    void print(char c)
    {
        text += c;
    }
    void println(const char *s = "")
    {
        text += std::string(s) + "\n";
    }
    void println(int n)
    {
        text += std::to_string(n) + "\n";
    }
};
inline StubSerial Serial;

#endif
