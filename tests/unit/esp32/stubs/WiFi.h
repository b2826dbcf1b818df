/* WiFi -- a network that is up or down as the test wishes. */
#ifndef STUB_WIFI_H
#define STUB_WIFI_H

#include "Arduino.h"

enum { WL_CONNECTED = 3, WL_DISCONNECTED = 6, WIFI_STA = 1 };

struct StubWiFi {
    int state = WL_CONNECTED;

    void mode(int)
    {
    }
    void setAutoReconnect(bool)
    {
    }
    void begin(const char *, const char *)
    {
    }
    int status() const
    {
        return state;
    }
};
inline StubWiFi WiFi;

struct WiFiClient {
};

#endif
