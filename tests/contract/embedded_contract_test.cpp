// The journal's contract, over the embedded journal.
#include "tests/contract/embedded_backend.hpp"
#include "tests/contract/journal_contract.hpp"

namespace contract {

INSTANTIATE_TEST_SUITE_P(Embedded, JournalContract,
                         testing::Values(Kind{"sqlite",
                                              [] { return std::make_unique<EmbeddedBackend>(); }}),
                         kind_name);

}  // namespace contract
