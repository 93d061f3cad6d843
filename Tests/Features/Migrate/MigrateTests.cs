namespace Profiles.Tests.Features.Migrate;

public sealed class MigrateTests
{
    [Fact]
    public async Task It_makes_the_database_that_the_other_commands_need()
    {
        var installation = new Installation();
        (await installation.RefuseAsync("backup", BackupFile())).ShouldBe(
            "The database is missing or not of this program's schema: run Profiles migrate.\n");
        for (var times = 0; times < 2; times++)
            (await installation.SucceedAsync("migrate")).ShouldBe("The database has the schema of this version.\n");
        (await installation.SucceedAsync("backup", BackupFile())).ShouldStartWith("0 rows and 0 images, ");
    }

    static string BackupFile() => Path.Combine(TemporaryDirectory.Make("archive"), "profiles.tar");
}
