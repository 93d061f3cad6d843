using System.Data.Common;
using Npgsql;
using Profiles.Data;

namespace Profiles.Tests.Data;

/// <summary>Which database a connection string means; <c>SettingsTests</c> has the refused ones.</summary>
[Trait("Database", "Sqlite")]
public sealed class DatabaseAddressTests
{
    [Theory]
    [InlineData("Host=db;Database=app", null, DatabaseProvider.PostgreSql)]
    [InlineData("server=db", null, DatabaseProvider.PostgreSql)]
    [InlineData("postgres://db/app", null, DatabaseProvider.PostgreSql)]
    [InlineData("postgresql://db/app", null, DatabaseProvider.PostgreSql)]
    [InlineData("Data Source=a.db", null, DatabaseProvider.Sqlite)]
    [InlineData("Filename=a.db", null, DatabaseProvider.Sqlite)]
    [InlineData("Database=app", DatabaseProvider.PostgreSql, DatabaseProvider.PostgreSql)]
    [InlineData("Data Source=a.db", DatabaseProvider.Sqlite, DatabaseProvider.Sqlite)]
    public void The_form_decides_unless_the_provider_is_named(string configured, DatabaseProvider? named, DatabaseProvider expected) =>
        DatabaseAddress.Read(configured, named, "none").Provider.ShouldBe(expected);

    [Fact]
    public void Without_a_connection_string_it_is_the_file_in_the_data_directory() =>
        DatabaseAddress.Read(null, null, "/data/profiles.db").ShouldBe((DatabaseProvider.Sqlite, "Data Source=/data/profiles.db"));

    [Theory]
    [InlineData("postgres://user:secret@db.example.com:6543/app",
        "Host=db.example.com;Port=6543;Username=user;Password=secret;Database=app")]
    [InlineData("postgres://db.example.com", "Host=db.example.com")]
    [InlineData("postgres://user@db/", "Host=db;Username=user")]
    [InlineData("postgresql://u%40ser:p%40ss%2F%3A%25%3Bw=@db/a%20pp", "Host=db;Username=u@ser;Password=\"p@ss/:%;w=\";Database=a pp")]
    [InlineData("postgres://user:a:b@c@db/app", "Host=db;Username=user;Password=a:b@c;Database=app")]
    [InlineData("postgres://user:secret@[::1]:5433/app", "Host=::1;Port=5433;Username=user;Password=secret;Database=app")]
    [InlineData("postgres://user:secret@db/app?sslmode=require&channel_binding=require",
        "Host=db;Username=user;Password=secret;Database=app;SSL Mode=Require;Channel Binding=Require")]
    [InlineData("postgres://db/app?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&application_name=mine",
        "Host=db;Database=app;SSL Mode=VerifyFull;Root Certificate=/etc/ca.pem;Application Name=mine")]
    [InlineData("postgres://a:5432,b:5433/app?target_session_attrs=read-write",
        "Host=\"a:5432,b:5433\";Database=app;Target Session Attributes=read-write")]
    public void The_URL_that_hosting_platforms_give_is_understood(string url, string expected)
    {
        var read = new NpgsqlConnectionStringBuilder(DatabaseAddress.Read(url, null, "none").ConnectionString);
        var wanted = new NpgsqlConnectionStringBuilder(expected);
        ((DbConnectionStringBuilder)read).EquivalentTo(wanted).ShouldBeTrue($"{read}\n{wanted}");
    }

    [Fact]
    public void PostgreSQL_needs_a_connection_string() =>
        Should.Throw<DatabaseUnusableException>(() => DatabaseAddress.Read(null, DatabaseProvider.PostgreSql, "none"))
            .Message.ShouldContain("ConnectionStrings__Profiles");
}
