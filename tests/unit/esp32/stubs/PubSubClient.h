/*
 * PubSubClient -- as much of the library's version 2.8 as the sketch uses. Packets are given by the
 * test; they pass through a buffer of the default size in the way of the real one: a longer packet
 * is dropped, the topic is moved to make room for its '\0', the payload ends without one.
 */
#ifndef STUB_PUBSUBCLIENT_H
#define STUB_PUBSUBCLIENT_H

#include <memory>
#include <vector>

#include "Arduino.h"
#include "WiFi.h"

#define MQTT_MAX_PACKET_SIZE 256

class PubSubClient
{
  public:
    /* for the test */
    bool broker_there = true;
    bool up = false;
    int attempts = 0;
    std::vector<std::string> subscriptions;

    /* A whole PUBLISH packet with QoS 0 comes in. */
    void receive(const std::string &packet)
    {
        /* on the heap and of the packet's own size, so that the sanitizer sees a step beyond */
        std::unique_ptr<uint8_t[]> buffer(new uint8_t[packet.size()]);
        size_t header = 1, topic_len;

        if (packet.size() > MQTT_MAX_PACKET_SIZE)
            return;
        memcpy(buffer.get(), packet.data(), packet.size());
        while (buffer[header++] & 0x80)
            ;
        topic_len = (size_t)(buffer[header] << 8 | buffer[header + 1]);
        memmove(&buffer[header + 1], &buffer[header + 2], topic_len);
        buffer[header + 1 + topic_len] = '\0';
        callback((char *)&buffer[header + 1], &buffer[header + 2 + topic_len],
                 (unsigned int)(packet.size() - header - 2 - topic_len));
    }

    /* for the sketch */
    explicit PubSubClient(WiFiClient &)
    {
    }
    void setServer(const char *, uint16_t)
    {
    }
    void setCallback(void (*f)(char *, byte *, unsigned int))
    {
        callback = f;
    }
    void setSocketTimeout(uint16_t)
    {
    }
    bool connect(const char *, const char *, const char *)
    {
        attempts++;
        subscriptions.clear();
        up = broker_there;
        return up;
    }
    bool subscribe(const char *topic)
    {
        subscriptions.push_back(topic);
        return up;
    }
    bool loop()
    {
        return up;
    }
    int state() const
    {
        return up ? 0 : -2;
    }

  private:
    void (*callback)(char *, byte *, unsigned int) = nullptr;
};

#endif
