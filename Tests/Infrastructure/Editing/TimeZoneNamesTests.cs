using Profiles.Data;
using Profiles.Infrastructure.Editing;

namespace Profiles.Tests.Infrastructure.Editing;

[Trait("Database", "Sqlite")]
public sealed class TimeZoneNamesTests
{
    [Fact]
    public void Every_name_fits_its_column()
    {
        TimeZoneNames.All.Count.ShouldBe(597);
        TimeZoneNames.All.ShouldAllBe(z => z.Length <= UserProfile.TimeZoneMaxLength && !z.Contains(' '));
    }

    [Theory]
    [InlineData("UTC", true)]
    [InlineData("Europe/Kyiv", true)]
    [InlineData("Europe/Kiev", true)]
    [InlineData("America/North_Dakota/New_Salem", true)]
    [InlineData("Factory", false)]
    [InlineData("posixrules", false)]
    [InlineData("tzdata.zi", false)]
    [InlineData("W. Europe Standard Time", false)]
    [InlineData("../zoneinfo/UTC", false)]
    public void Only_IANA_time_zones_are_known(string name, bool known) => (TimeZoneNames.Find(name) is not null).ShouldBe(known);
}
