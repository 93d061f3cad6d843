using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Profiles.Data;
using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.Json;

namespace Profiles.Tests.Infrastructure.Editing;

/// <summary>Fails when a new profile field can be sent but is not stored or not shown.</summary>
public sealed class ProfileFieldsTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    static readonly JsonSerializerOptions Wire = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    [Fact]
    public async Task Every_field_that_can_be_sent_is_returned_as_it_was_sent()
    {
        var user = await app.CreateUserAsync();
        var example = JsonSerializer.SerializeToNode(ProfileDescription.Example, Wire)!.AsObject();
        var sent = new JsonObject();
        // The e-mail address has its own rules.
        foreach (var field in typeof(ProfileFields).GetProperties()
            .Where(p => p.PropertyType.IsAssignableTo(typeof(IOptional)) && p.Name != nameof(ProfileFields.Email)))
        {
            var name = Wire.PropertyNamingPolicy!.ConvertName(field.Name);
            sent[name] = example[name]?.DeepClone();
            sent[name].ShouldNotBeNull($"The example of the profile has no {name}.");
        }
        sent.Count.ShouldBeGreaterThan(7);
        sent["username"] = $"u{Guid.NewGuid():N}"[..UserProfile.UsernameMaxLength];

        using var client = app.ClientFor(user);
        using var patch = JsonContent.Create(sent, new MediaTypeHeaderValue("application/merge-patch+json"));
        await (await client.PatchAsync("/me", patch, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var shown = JsonNode.Parse(await client.GetStringAsync("/me", Cancellation))!;
        foreach (var (name, value) in sent)
            JsonNode.DeepEquals(shown[name], value).ShouldBeTrue($"{name} was sent as {value} and is shown as {shown[name]}.");
    }
}
