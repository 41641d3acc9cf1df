#include "sqlite/store_file.hpp"

#include <stdexcept>

namespace sqlite {

Database open_store(const std::string& path, const StoreFormat& format) {
  Database database(path, Database::Mode::read_write);
  const auto application_id = database.number("PRAGMA application_id");
  const auto version = database.number("PRAGMA user_version");
  const bool fresh = database.number("SELECT count(*) FROM sqlite_schema") == 0;
  const std::string kind = " a " + std::string(format.kind);
  if (!fresh && application_id != format.application_id) {
    throw std::runtime_error(path + " is not" + kind);
  }
  if (!fresh && version != format.version) {
    throw std::runtime_error(path + " is" + kind + " of version " + std::to_string(version) +
                             ", this program reads version " + std::to_string(format.version));
  }
  database.execute("PRAGMA journal_mode = WAL");
  database.execute("PRAGMA synchronous = FULL");
  database.execute("PRAGMA temp_store = MEMORY");
  if (fresh) {
    Transaction transaction(database);
    database.execute("PRAGMA application_id = " + std::to_string(format.application_id));
    database.execute("PRAGMA user_version = " + std::to_string(format.version));
    database.execute(format.schema);
    transaction.commit();
  }
  return database;
}

}  // namespace sqlite
