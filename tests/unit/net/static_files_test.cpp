// The front end's files: what is found, in which variant, and how long it may be kept.
#include "net/static_files.hpp"

#include <gtest/gtest.h>

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/service/fake_headers.hpp"

namespace net {
namespace {

namespace fs = std::filesystem;
using service::FakeHeaders;

class StaticFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "static_files_test.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    write("index.html", "<html>");
    write("index.html.br", "html as br");
    write("index.html.gz", "html as gzip");
    write("assets/app-1a2b3c.js", "js");
    write("assets/app-1a2b3c.js.gz", "js as gzip");
    write("icon.svg", "<svg>");
    write("data.unknown", "?");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& bytes) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }

  StaticFiles load() {
    auto loaded = StaticFiles::load(folder_.string());
    EXPECT_TRUE(loaded.ok());
    return std::move(loaded).value();
  }

  service::Reply get(const std::string& path, const std::string& accept_encoding = "",
                     const std::string& if_none_match = "") {
    const auto files = load();
    const auto* file = files.find(path);
    if (file == nullptr) return {.status = 404};
    return StaticFiles::reply(*file, FakeHeaders({{"Accept-Encoding", accept_encoding},
                                                  {"If-None-Match", if_none_match}}));
  }

  /// One field of a reply, empty if it is not there.
  static std::string field(const service::Reply& reply, const std::string& name) {
    const auto begin = reply.headers.find(name + ": ");
    if (begin == std::string::npos) return "";
    const auto value = begin + name.size() + 2;
    return reply.headers.substr(value, reply.headers.find("\r\n", value) - value);
  }

  fs::path folder_;
};

TEST_F(StaticFilesTest, FindsWhatIsThereAndNothingElse) {
  const auto files = load();
  EXPECT_NE(files.find("/index.html"), nullptr);
  EXPECT_EQ(files.find("/"), files.find("/index.html"));
  EXPECT_NE(files.find("/assets/app-1a2b3c.js"), nullptr);
  for (const auto* path : {"", "/nothing", "/assets", "/assets/", "/../index.html", "index.html",
                           "//index.html", "/INDEX.HTML", "/assets/../index.html"}) {
    EXPECT_EQ(files.find(path), nullptr) << path;
  }
}

TEST_F(StaticFilesTest, VariantsAreNotFilesOfTheirOwn) {
  EXPECT_EQ(load().find("/index.html.br"), nullptr);
  EXPECT_EQ(load().find("/index.html.gz"), nullptr);
}

TEST_F(StaticFilesTest, AreAsTheyWereAtStart) {
  const auto files = load();
  write("index.html", "changed");
  EXPECT_EQ(*files.find("/")->plain, "<html>");
}

TEST_F(StaticFilesTest, HaveTheirContentType) {
  EXPECT_EQ(get("/").content_type, "text/html; charset=utf-8");
  EXPECT_EQ(get("/assets/app-1a2b3c.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(get("/icon.svg").content_type, "image/svg+xml");
  EXPECT_EQ(get("/data.unknown").content_type, "application/octet-stream");
}

TEST_F(StaticFilesTest, ComeInTheBestVariantThatIsAcceptedAndThere) {
  const auto br = get("/", "gzip, deflate, br");
  EXPECT_EQ(br.bytes(), "html as br");
  EXPECT_EQ(field(br, "Content-Encoding"), "br");
  const auto gzip = get("/", "gzip, br;q=0");
  EXPECT_EQ(gzip.bytes(), "html as gzip");
  EXPECT_EQ(field(gzip, "Content-Encoding"), "gzip");
  EXPECT_EQ(get("/assets/app-1a2b3c.js", "gzip, br").bytes(), "js as gzip");
  const auto plain = get("/", "zstd");
  EXPECT_EQ(plain.bytes(), "<html>");
  EXPECT_EQ(field(plain, "Content-Encoding"), "");
}

TEST_F(StaticFilesTest, SayThatTheyVaryIfTheyDo) {
  EXPECT_EQ(field(get("/"), "Vary"), "Accept-Encoding") << "the plain variant too";
  EXPECT_EQ(field(get("/", "br"), "Vary"), "Accept-Encoding");
  EXPECT_EQ(field(get("/icon.svg", "br"), "Vary"), "");
}

TEST_F(StaticFilesTest, HaveATagForEachVariantThatChangesWithTheContent) {
  const auto plain = field(get("/"), "ETag");
  const auto br = field(get("/", "br"), "ETag");
  const auto gzip = field(get("/", "gzip"), "ETag");
  EXPECT_TRUE(plain.starts_with('"') && plain.ends_with('"')) << plain;
  EXPECT_NE(plain, br);
  EXPECT_NE(plain, gzip);
  EXPECT_NE(br, gzip);
  EXPECT_EQ(field(get("/"), "ETag"), plain) << "the same after a restart";
  write("index.html", "<html2>");
  EXPECT_NE(field(get("/"), "ETag"), plain);
}

TEST_F(StaticFilesTest, AreNotSentAgainToWhoHasThem) {
  const auto tag = field(get("/", "br"), "ETag");
  const auto unchanged = get("/", "br", "\"other\", " + tag);
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.bytes(), "");
  EXPECT_EQ(field(unchanged, "ETag"), tag);
  EXPECT_EQ(field(unchanged, "Vary"), "Accept-Encoding");
  EXPECT_EQ(field(unchanged, "Cache-Control"), "no-cache");
  EXPECT_EQ(field(unchanged, "Content-Encoding"), "");
  EXPECT_EQ(get("/", "gzip", tag).status, 200) << "another variant";
}

TEST_F(StaticFilesTest, MayBeKeptForeverIfTheirNameHoldsAHash) {
  EXPECT_EQ(field(get("/assets/app-1a2b3c.js"), "Cache-Control"),
            "public, max-age=31536000, immutable");
  EXPECT_EQ(field(get("/"), "Cache-Control"), "no-cache") << "kept, but asked about";
  EXPECT_EQ(field(get("/icon.svg"), "Cache-Control"), "no-cache");
}

TEST_F(StaticFilesTest, PagesComeWithAStrictPolicy) {
  const auto policy = field(get("/"), "Content-Security-Policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none'")) << policy;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_NE(policy.find("frame-ancestors"), std::string::npos);
  EXPECT_EQ(field(get("/icon.svg"), "Content-Security-Policy"), "");
}

TEST_F(StaticFilesTest, AFolderThatIsNotThereIsAnError) {
  EXPECT_FALSE(StaticFiles::load((folder_ / "nothing").string()).ok());
}

TEST(StaticFiles, OfNoFolderAreNone) {
  const auto files = StaticFiles::load("");
  ASSERT_TRUE(files.ok());
  EXPECT_EQ(files->find("/"), nullptr);
}

}  // namespace
}  // namespace net
