/*
 * ticker -- a stock ticker on an ESP32: prices from a Tapecast broker, shown on the serial monitor
 * (115200 baud) and wherever show() puts them.
 *
 *     AAPL 189.45 ^
 *     BTC/USD 64000.50 v
 *     AAPL 189.45 old
 *
 * Needs: the ESP32 board package of the Arduino IDE, and the library "PubSubClient" 2.8 by Nick
 * O'Leary (Library Manager). Fill in the settings, upload, open the serial monitor.
 *
 * It reads `stocks/{SYMBOL}/price`, where the price is plain decimal text such as 189.45: nothing
 * to parse, and no rounding, since a price is never turned into a float. The quote with change,
 * volume and time is JSON on `stocks/{SYMBOL}`; docs/displays.md shows how to read that.
 *
 * PubSubClient keeps a packet in a buffer of 256 bytes and drops a longer one without a word. No
 * packet of Tapecast's on `stocks/#` is longer, so the default will do.
 */
#include <PubSubClient.h>
#include <WiFi.h>

/* ---- settings: change these ------------------------------------------------------------------ */

const char WIFI_NAME[] = "your network";
const char WIFI_PASSWORD[] = "its password";

const char BROKER_HOST[] =
    "192.168.1.10"; /* the machine that runs Mosquitto, reachable from here */
const uint16_t BROKER_PORT = 1883;
const char BROKER_USER[] = ""; /* "" where the broker asks for none */
const char BROKER_PASSWORD[] = "";

/* As they stand in the topic: a "/" within a symbol is written %2F there. */
const char *const SYMBOLS[] = {"AAPL", "MSFT", "NVDA", "BTC%2FUSD"};

/* ---- prices ---------------------------------------------------------------------------------- */

const size_t SYMBOL_COUNT = sizeof(SYMBOLS) / sizeof(SYMBOLS[0]);
const size_t PRICE_MAX = 24; /* the longest price has 18 digits, a sign and a point */

struct Price {
    char text[PRICE_MAX]; /* "" until the first one came */
    char move;            /* '^' or 'v' after it rose or fell, else ' ' */
    bool old;             /* the connection was lost since */
};

Price prices[SYMBOL_COUNT];

/* Whatever your display needs goes here: lcd.print(), display.drawString(), a strip of LEDs. */
void show(size_t i)
{
    const char *symbol = SYMBOLS[i];

    for (const char *p = symbol; *p != '\0'; p++) {
        if (strncmp(p, "%2F", 3) == 0) {
            Serial.print('/');
            p += 2;
        } else {
            Serial.print(*p);
        }
    }
    Serial.print(' ');
    Serial.print(prices[i].text);
    if (prices[i].old)
        Serial.print(" old");
    else if (prices[i].move != ' ') {
        Serial.print(' ');
        Serial.print(prices[i].move);
    }
    Serial.println();
}

/* Digits, perhaps with a sign and a point: nothing else gets onto the display. */
bool isPrice(const byte *payload, unsigned int length)
{
    unsigned int digits = 0, points = 0;

    for (unsigned int i = 0; i < length; i++) {
        if (payload[i] >= '0' && payload[i] <= '9')
            digits++;
        else if (payload[i] == '.')
            points++;
        else if (payload[i] != '-' || i > 0)
            return false;
    }
    return digits > 0 && points <= 1 && length < PRICE_MAX;
}

/* The symbol that `topic` is about; SYMBOL_COUNT when it is none of ours. */
size_t symbolOf(const char *topic)
{
    for (size_t i = 0; i < SYMBOL_COUNT; i++) {
        size_t n = strlen(SYMBOLS[i]);

        if (strncmp(topic, "stocks/", 7) == 0 && strncmp(topic + 7, SYMBOLS[i], n) == 0 &&
            strcmp(topic + 7 + n, "/price") == 0)
            return i;
    }
    return SYMBOL_COUNT;
}

/* PubSubClient calls this for each message. The payload is bytes with a length: no '\0' ends it,
 * and both it and the topic live in the library's buffer, only until we return. */
void onMessage(char *topic, byte *payload, unsigned int length)
{
    size_t i = symbolOf(topic);
    Price before;

    if (i == SYMBOL_COUNT || !isPrice(payload, length))
        return;
    before = prices[i];
    memcpy(prices[i].text, payload, length);
    prices[i].text[length] = '\0';
    prices[i].old = false;
    if (strcmp(before.text, prices[i].text) != 0) { /* doubles are good enough for an arrow */
        double rise = atof(prices[i].text) - atof(before.text);

        prices[i].move = before.text[0] == '\0' || rise == 0 ? ' ' : rise > 0 ? '^' : 'v';
    }
    show(i);
}

/* ---- the connection -------------------------------------------------------------------------- */

const unsigned long FIRST_WAIT_MS = 1000;
const unsigned long MAX_WAIT_MS = 60000;

WiFiClient network;
PubSubClient mqtt(network);

bool wasConnected = false;
unsigned long failures = 0;    /* in a row */
unsigned long waitMs = 0;      /* before the next attempt; 0 is at once */
unsigned long lastAttempt = 0; /* when, by millis() */

/* Every display of a house comes back at the same moment after a power cut: each waits a random
 * part of the time, and longer each time it was in vain. */
void waitLonger()
{
    unsigned long longest = failures < 6 ? FIRST_WAIT_MS << failures : MAX_WAIT_MS;

    failures++;
    waitMs = longest / 2 + random(longest / 2 + 1);
    lastAttempt = millis();
}

void subscribeAll()
{
    char topic[96];

    for (size_t i = 0; i < SYMBOL_COUNT; i++) {
        snprintf(topic, sizeof(topic), "stocks/%s/price", SYMBOLS[i]);
        mqtt.subscribe(topic); /* the last price comes at once: the broker keeps it */
    }
}

void onLost()
{
    Serial.println("connection lost");
    for (size_t i = 0; i < SYMBOL_COUNT; i++) {
        prices[i].old = true;
        if (prices[i].text[0] != '\0')
            show(i);
    }
}

void tryToConnect()
{
    char name[24];
    const char *user = BROKER_USER[0] != '\0' ? BROKER_USER : nullptr;

    /* A broker lets in one client of a name: two displays with the same would throw each other out
     * for ever. */
    snprintf(name, sizeof(name), "esp32-%08lx", (unsigned long)random(0x7fffffff));
    if (mqtt.connect(name, user, user != nullptr ? BROKER_PASSWORD : nullptr)) {
        Serial.println("connected");
        wasConnected = true;
        failures = 0;
        subscribeAll();
    } else {
        waitLonger();
        Serial.print("no broker, state ");
        Serial.println(mqtt.state()); /* its numbers: PubSubClient.h, MQTT_CONNECTION_TIMEOUT... */
    }
}

void setup()
{
    Serial.begin(115200);
    for (size_t i = 0; i < SYMBOL_COUNT; i++)
        prices[i] = {"", ' ', false};
    WiFi.mode(WIFI_STA);
    WiFi.setAutoReconnect(true);
    WiFi.begin(WIFI_NAME, WIFI_PASSWORD);
    mqtt.setServer(BROKER_HOST, BROKER_PORT);
    mqtt.setCallback(onMessage);
    mqtt.setSocketTimeout(5); /* seconds that a connecting may hold up loop() */
}

void loop()
{
    if (mqtt.loop()) /* reads what came, keeps the connection alive */
        return;
    if (wasConnected) {
        wasConnected = false;
        onLost();
        waitLonger();
    }
    /* A difference of unsigned times is right even when millis() starts over, after 49 days. */
    if (WiFi.status() == WL_CONNECTED && millis() - lastAttempt >= waitMs)
        tryToConnect();
}
