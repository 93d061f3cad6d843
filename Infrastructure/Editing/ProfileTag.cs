using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Profiles.Data;
using Profiles.Infrastructure.Images;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace Profiles.Infrastructure.Editing;

/// <summary>
/// The strong entity tag of a profile's representation (RFC 9110, 8.8.3). It changes with every change of the profile, with the image's
/// address, when a guest gets a way in, and with a release that represents profiles differently.
/// </summary>
sealed class ProfileTag(ImageAddress address, IOptions<JsonOptions> json)
{
    // A hash of the example stands for the members that this release writes; made once, so that a tag needs no serialisation.
    readonly string shape = Hex(JsonSerializer.SerializeToUtf8Bytes(ProfileDescription.Example, json.Value.SerializerOptions));

    public EntityTagHeaderValue Of(User user) =>
        Quote(Hex(Encoding.UTF8.GetBytes(FormattableString.Invariant(
            $"{shape}\n{user.Id}\n{user.Profile.Version}\n{address.VersionOf(user.Profile.Image)}\n{user.GuestSince is null}"))));

    /// <summary>Returns the tag of a public profile, by its content: changes of hidden fields do not change it.</summary>
    public EntityTagHeaderValue OfPublic<T>(T profile) =>
        Quote(Hex(JsonSerializer.SerializeToUtf8Bytes(profile, json.Value.SerializerOptions)));

    /// <summary>Returns whether the client has this representation (<c>If-None-Match</c>).</summary>
    public static bool IsKnown(HttpRequest request, EntityTagHeaderValue tag) => IsAmong(request.GetTypedHeaders().IfNoneMatch, tag);

    /// <summary>
    /// Returns whether the client expects another state (<c>If-Match</c>). The weak form matches too, because compressing proxies weaken
    /// tags.
    /// </summary>
    public static bool IsStale(HttpRequest request, EntityTagHeaderValue tag) =>
        request.Headers.IfMatch.Count > 0 && !IsAmong(request.GetTypedHeaders().IfMatch, tag);

    static bool IsAmong(IEnumerable<EntityTagHeaderValue> tags, EntityTagHeaderValue tag) =>
        tags.Any(t => t.Equals(EntityTagHeaderValue.Any) || t.Compare(tag, useStrongComparison: false));

    static EntityTagHeaderValue Quote(string hex) => new($"\"{hex}\"");

    static string Hex(byte[] shown) => Convert.ToHexStringLower(SHA256.HashData(shown).AsSpan(0, 16));
}
