// Every limit and constant of the system, in one place, with the relations between them checked.
// What operators may change is in the configuration table (src/ops/config.cpp); its defaults and
// ranges are here too.
#pragma once

#include <cstddef>
#include <cstdint>

namespace base::limits {

// --- HTTP at our edge -----------------------------------------------------------------------
inline constexpr std::size_t kHeaderBytesMax = 16 * 1024;
inline constexpr std::size_t kBodyBytesMax = 16 * 1024;  // the largest any route asks for
inline constexpr std::size_t kPixelBodyBytesMax = 1024;
inline constexpr std::size_t kAuthBodyBytesMax = 8 * 1024;
inline constexpr std::int64_t kHeaderTimeMs = 10'000;  // from the first byte wanted to the last
inline constexpr std::int64_t kBodyTimeMs = 20'000;
inline constexpr std::int64_t kKeepAliveIdleMs = 75'000;
inline constexpr std::int64_t kAnswerTimeMs = 15'000;     // to find an answer to a request
inline constexpr std::int64_t kResponseTimeMs = 120'000;  // to take a whole response
inline constexpr std::int64_t kSweepMs = 500;             // how often deadlines are looked at

// --- WebSocket ------------------------------------------------------------------------------
inline constexpr std::size_t kMessageBytesMax = 4096;
inline constexpr std::int64_t kHelloTimeMs = 10'000;
inline constexpr std::int64_t kPingEveryMs = 25'000;  // server's ping when a client is silent
inline constexpr std::int64_t kSilenceMs = 75'000;    // no byte from the client for this long
inline constexpr std::int64_t kStallMs = 60'000;      // no byte taken by the client for this long
inline constexpr std::int64_t kCloseTimeMs = 3'000;   // to answer a close frame
inline constexpr std::size_t kUnansweredMax = 8;      // placements in flight a connection
inline constexpr std::size_t kOutboxBytesMax = 32 * 1024;   // small messages waiting, a connection
inline constexpr std::size_t kCatchUpBytesMax = 64 * 1024;  // one conflated catch-up delta
inline constexpr std::size_t kCatchUpEntriesMax = 32'768;   // looked at for one catch-up
inline constexpr int kSocketSendBufferBytes = 128 * 1024;
inline constexpr std::size_t kTokenBytesMax = 2048;
inline constexpr double kMessagesPerSecond = 1'000;  // of one connection, in units of a `place`
inline constexpr double kMessagesBurst = 2'000;
inline constexpr double kCostlyMessage = 100;  // `resume` and `sign_in` make more work
inline constexpr std::int64_t kPresenceEveryMs = 2'000;
inline constexpr std::int64_t kHeartbeatMs = 15'000;

// --- Per person, per address ----------------------------------------------------------------
inline constexpr double kRequestsPerPersonPerSecond = 20;  // placements asked for, accepted or not
inline constexpr std::size_t kRateTableEntriesMax = 200'000;

// --- Canvas ---------------------------------------------------------------------------------
inline constexpr int kCanvasSideMin = 16;
inline constexpr int kCanvasSideMax = 4096;
inline constexpr std::uint32_t kCooldownMsMax = 86'400'000;
inline constexpr std::uint32_t kChargesMax = 1'000;
inline constexpr std::size_t kNameBytesMax = 64;
inline constexpr std::size_t kTailEntriesMax = 65'536;  // entries kept in memory for catch-up
inline constexpr std::size_t kHistoryRowsMax = 100;     // of one pixel, in one answer
inline constexpr std::int64_t kSnapshotAgeMs = 1'000;   // a served snapshot lags at most this
inline constexpr std::size_t kSnapshotVersionsMax = 8;  // of one encoding, held by slow readers

// --- Journal --------------------------------------------------------------------------------
inline constexpr std::size_t kProducerWindow = 8;  // accepted answers kept for each producer
inline constexpr std::size_t kJournalQueueMax = 65'536;
inline constexpr std::size_t kJournalBatchMax = 4'096;
inline constexpr std::uint64_t kCheckpointEveryEntries = 50'000;
inline constexpr std::int64_t kProducerKeepMs = 24LL * 3600 * 1000;
inline constexpr std::size_t kReplicasMax = 1'000;  // whose players are counted
inline constexpr std::size_t kQueryQueueMax = 1'024;

// --- Counters -------------------------------------------------------------------------------
inline constexpr std::size_t kCountersMax = 1'000;
inline constexpr std::size_t kIdleTopicsMax = 1'000;  // followed, but not pressed
inline constexpr std::size_t kKeyBytesMax = 64;       // of an Idempotency-Key
inline constexpr std::size_t kPressBodyBytesMax = 64;
inline constexpr std::size_t kLedgerQueueMax = 65'536;
inline constexpr std::size_t kLedgerBatchMax = 4'096;
inline constexpr std::int64_t kKeyKeepMs = 24LL * 3600 * 1000;

// --- PostgreSQL -----------------------------------------------------------------------------
inline constexpr std::int64_t kPostgresConnectMs = 5'000;  // to one server; TCP's patience too
inline constexpr std::int64_t kPostgresCallMs = 10'000;    // one statement
inline constexpr std::int64_t kPostgresGraceMs = 1'000;    // for the server to say it was too long
inline constexpr std::int64_t kPostgresIdleTransactionMs = 30'000;

// --- Archive --------------------------------------------------------------------------------
inline constexpr std::int64_t kPartitionsAhead = 2;      // days that have a partition early
inline constexpr std::size_t kArchiveBatchMax = 10'000;  // entries copied at a time
inline constexpr std::size_t kBatchDaysMax = 64;         // days that one batch may touch
inline constexpr std::size_t kWindowPartitions = 16;     // that one query reads
inline constexpr std::size_t kBoardsKept = 3;            // checkpoints of the board
inline constexpr std::size_t kKnownNamesMax = 65'536;    // people whose names are not sent again
inline constexpr std::size_t kReplayPageRows = 20'000;   // read at a time
inline constexpr std::size_t kProblemsMax = 20;          // told one by one
inline constexpr std::int64_t kLookupMs = 3'000;         // one look-up in the history
inline constexpr std::int64_t kLookupWaitMs = 5'000;     // an older question is not asked any more
inline constexpr std::int64_t kReconnectMsMin = 250;
inline constexpr std::int64_t kReconnectMsMax = 5'000;
inline constexpr std::int64_t kMigrationMs = 3'600'000;      // one statement of a migration
inline constexpr std::int64_t kMigrationLockMs = 10'000;     // to get at a table in use
inline constexpr std::int64_t kMigrationWaitMs = 3'600'000;  // for another one's migration

// --- Redis, as its client -------------------------------------------------------------------
inline constexpr std::size_t kRedisUrlBytesMax = 4096;
inline constexpr std::size_t kRedisNodesMax = 64;          // known of one cluster, or sentinels
inline constexpr std::int64_t kRedisConnectMs = 1'000;     // to connect to a node, then to log in
inline constexpr std::int64_t kRedisSentinelMs = 500;      // the same for a sentinel
inline constexpr std::int64_t kRedisBackoffMinMs = 20;     // the first pause ends within this
inline constexpr std::int64_t kRedisBackoffMaxMs = 1'000;  // and every other within this
inline constexpr int kRedisKeepAliveSeconds = 5;           // of silence, and between probes
inline constexpr int kRedisUserTimeoutMs = 10'000;         // to take what was sent
inline constexpr std::size_t kRedisReplyBytesMax = 64 * 1024 * 1024;
inline constexpr std::size_t kRedisReplyElementsMax = 1'000'000;
inline constexpr std::size_t kRedisReplyDepthMax = 7;
inline constexpr std::size_t kRedisBytesInFlightMax = 64 * 1024 * 1024;  // of requests
inline constexpr std::size_t kRedisAsksMax = 4'096;                      // under way at a time
inline constexpr std::size_t kRedisRedirectionsMax = 5;

// --- Ticks ----------------------------------------------------------------------------------
inline constexpr int kTickMsMin = 20;

static_assert(kBodyBytesMax >= kPixelBodyBytesMax && kBodyBytesMax >= kAuthBodyBytesMax);
static_assert(kSilenceMs > 2 * kPingEveryMs, "a client may miss one ping");
static_assert(kUnansweredMax <= kProducerWindow, "every repeat must find its answer");
static_assert(kJournalBatchMax <= kJournalQueueMax);
static_assert(kJournalBatchMax <= kArchiveBatchMax, "a record is archived whole");
static_assert(kCatchUpEntriesMax <= kTailEntriesMax);
static_assert(kTailEntriesMax >= 2 * kJournalBatchMax, "a reader one batch behind finds its place");
static_assert(kPostgresIdleTransactionMs > kPostgresCallMs + kPostgresGraceMs);
static_assert(kReconnectMsMin <= kReconnectMsMax);
static_assert(kRedisBackoffMinMs <= kRedisBackoffMaxMs);
static_assert(kRedisReplyBytesMax > std::size_t{kCanvasSideMax} * kCanvasSideMax * 2,
              "a board fits in a reply, and in a request");
static_assert(kRedisBytesInFlightMax >= kRedisReplyBytesMax);
static_assert(kTokenBytesMax + 16 <= kMessageBytesMax, "a token fits in one message");

}  // namespace base::limits
