using Microsoft.EntityFrameworkCore;
using Profiles.Data.Tables;

namespace Profiles.Tests.Data.Tables;

public sealed class TableTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task Every_table_and_column_of_the_database_is_carried()
    {
        var columns = await app.QueryAsync(db => db.Database.SqlQueryRaw<string>(TestDatabase.IsPostgreSql
            ? "SELECT table_name || '.' || column_name AS \"Value\" FROM information_schema.columns WHERE table_schema = 'public'"
            : "SELECT t.name || '.' || c.name AS Value FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'")
            .ToListAsync(Cancellation));
        columns.Count.ShouldBeGreaterThan(80);
        columns.Where(c => !c.StartsWith("__EF") && !c.StartsWith("sqlite_")).ShouldBe(
            Table.All.Where(t => TestDatabase.IsPostgreSql || !t.IsOfKeys).SelectMany(t => t.Columns.Select(c => $"{t.Name}.{c.Name}")),
            ignoreOrder: true);
    }

    [Fact]
    public void A_table_comes_after_those_that_it_refers_to()
    {
        var names = Table.All.Select(t => t.Name).ToList();
        names.IndexOf("users").ShouldBeLessThan(names.IndexOf("sessions"));
        names.IndexOf("users").ShouldBeLessThan(names.IndexOf("user_profiles"));
        Table.All.Single(t => t.Name == "users").Counter.ShouldBe("id");
        Table.All.Single(t => t.Name == "user_profiles").Counter.ShouldBeNull();
    }
}
