using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using Profiles.Data;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Json;
using Profiles.Infrastructure.Validation;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>The schemas of the document: the slices' requests and responses with their limits, and the problem of every error.</summary>
static class ContractSchemas
{
    public const string Problem = "Problem";

    const string Image = "Image";

    // Bounds for a reader's buffers where no rule of ours is tighter.
    const int LongestSentence = 500, LongestToken = 4096, LongestUrl = 2048;

    const string Controls = @"\u0000-\u001f\u007f-\u009f", WithoutNul = @"^[^\u0000]*$";

    /// <summary>Keeps the schemas of the slices, cleaned and bounded, and adds the problem.</summary>
    public static void Apply(OpenApiDocument document, ContractLimits limits)
    {
        var slices = (document.Components!.Schemas ?? new Dictionary<string, IOpenApiSchema>())
            .Where(s => s.Key.EndsWith("Request", StringComparison.Ordinal) || s.Key.EndsWith("Response", StringComparison.Ordinal));
        document.Components.Schemas = slices.ToDictionary(s => s.Key, s => (IOpenApiSchema)Object(
            Required(s.Key, s.Value),
            (s.Value.Properties ?? new Dictionary<string, IOpenApiSchema>()).Keys.Select(p => (p, Property(document, s.Key, p, limits)))));
        if (document.Components.Schemas.TryGetValue("UpdateMeRequest", out var change))
            ((OpenApiSchema)change).AnyOf = [.. change.Properties!.Keys.Select(Requires)];
        if (document.Components.Schemas.ContainsKey("UploadImageRequest"))
            document.Components.Schemas["UploadImageRequest"] = Upload(limits);
        document.Components.Schemas[Image] = Picture();
        document.Components.Schemas[Problem] = Object(["type", "title", "status", "detail", "code", "trace_id"],
        [
            ("type", Text(LongestUrl, "What kind of problem it is (RFC 9457).", format: "uri-reference")),
            ("title", Text(LongestSentence, "The status in words.")),
            ("status", new() { Type = JsonSchemaType.Integer, Format = "int32", Minimum = "400", Maximum = "599", Description = "The HTTP status." }),
            ("detail", Text(LongestSentence, "One sentence for a person.")),
            ("code", Code("What kind of problem it is, for programs; more may join.")),
            ("trace_id", Text(LongestSentence, "The id under which the service's log has it.")),
            ("max_bytes", Whole(long.MaxValue, "The limit that a picture broke, with 413.")),
            ("max_pixels", Whole(long.MaxValue, "The limit that a picture broke, with 400.")),
            ("max_pixels_of_all_frames", Whole(long.MaxValue, "The limit that an animation broke, with 400.")),
            ("types", new() { Type = JsonSchemaType.Array, MaxItems = 20, Items = Text(LongestSentence), Description = "The media types that are accepted, where one is refused that others accept." }),
            ("errors", new()
            {
                Type = JsonSchemaType.Object,
                Description = "What was refused, by the fields' names as they were sent.",
                AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.Array, MaxItems = 20, Items = Text(LongestSentence) },
            }),
            ("error_codes", new()
            {
                Type = JsonSchemaType.Object,
                Description = "The same for programs: the codes of each field that was refused.",
                AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.Array, MaxItems = 20, Items = Code() },
            }),
        ]);
    }

    static OpenApiSchema Code(string? description = null) => new() { Type = JsonSchemaType.String, Description = description, Enum = [.. ErrorCodes.All.Select(e => (JsonNode)e.Code)] };

    // An answer has all its members, null where there is nothing; a change has those that the client likes.
    static IEnumerable<string> Required(string name, IOpenApiSchema schema) => name switch
    {
        "UpdateMeRequest" or "PatchMeRequest" => [],
        _ when name.EndsWith("Response", StringComparison.Ordinal) => schema.Properties?.Keys ?? [],
        _ => schema.Required ?? new HashSet<string>(),
    };

    static OpenApiSchema Property(OpenApiDocument document, string schema, string name, ContractLimits limits) => (schema.EndsWith("Request", StringComparison.Ordinal), name) switch
    {
        (true, "name") => Text(UserProfile.NameMaxLength, "Spaces around it are cut off and not counted. It has a letter, a digit or a symbol that can be seen, and nothing that changes the direction of the text.", minLength: 1, pattern: $"^[^{Controls}]*[^\\s{Controls}][^{Controls}]*$"),
        (false, "name") => Text(UserProfile.NameMaxLength, minLength: 1),
        (true, "email" or "password") when schema is "LoginRequest" or "DeleteMeRequest" => Tried(name),
        // No format: an address with blanks around it has not that of an e-mail.
        (true, "email") => Text(User.EmailMaxLength, "Compared without regard to case; blanks around it are cut off and not counted.", pattern: $@"^[ \t]*{ProfileRules.AddressForm}[ \t]*$"),
        (false, "email") => Text(User.EmailMaxLength, "As the person wrote it.", format: "email"),
        (true, "password") => Text(User.PasswordMaxBytes,
            $"At most {User.PasswordMaxBytes} bytes of UTF-8; characters beyond ASCII take two to four.", minLength: limits.PasswordLength, format: "password", pattern: WithoutNul),
        (_, "username") => Text(UserProfile.UsernameMaxLength, "Compared without regard to case, kept in lower case.", UserProfile.UsernameMinLength, pattern: $"^{ProfileFieldForms.UsernameForm}$", nullable: IsOptional(schema) && schema != "GetUserResponse"),
        (true, "bio") => Text(2 * UserProfile.BioMaxLength, $"At most {UserProfile.BioMaxLength} characters, of which a line end is one however it is written; it is kept as a line feed.",
            pattern: @"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$", nullable: IsOptional(schema)),
        (true, "phone") => Text(StrictJson.MaxBodyBytes, "A plus sign and the number, country code first, with blanks, hyphens and brackets as people write them; kept as E.164.",
            pattern: @"^[^A-Za-z0-9]*\+[^A-Za-z]+$", nullable: IsOptional(schema)),
        (true, "locale") => Text(StrictJson.MaxBodyBytes, "A well-formed language tag (BCP 47), in any case, with hyphens or underscores; kept as RFC 5646 writes it.",
            minLength: 2, pattern: "^[A-Za-z][A-Za-z0-9_#-]+([@.].*)?$", nullable: IsOptional(schema)),
        (true, "time_zone") => Text(UserProfile.TimeZoneMaxLength, "A name of the IANA database, 2025b, in any case; kept as the database spells it.",
            minLength: 2, pattern: "^[A-Za-z][A-Za-z0-9_+/-]*$", nullable: IsOptional(schema)),
        (_, "bio") => Text(UserProfile.BioMaxLength, "Line feeds and tabs are its only control characters.", pattern: @"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$", nullable: IsOptional(schema)),
        (_, "phone") => Text(UserProfile.PhoneMaxLength, "E.164.", pattern: $"^{ProfileFieldForms.PhoneForm}$", nullable: IsOptional(schema)),
        (_, "birth_date") => Text(ProfileFields.DateForm.Length, $"Not before {UserProfile.EarliestBirthDate.Year}, and not in the future.", format: "date", nullable: IsOptional(schema)),
        (_, "locale") => Text(UserProfile.LocaleMaxLength, "A well-formed language tag (BCP 47).", minLength: 2, pattern: "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$", nullable: IsOptional(schema)),
        (_, "time_zone") => Text(UserProfile.TimeZoneMaxLength, "A name of the IANA database, 2025b.", minLength: 2, pattern: "^[A-Za-z][A-Za-z0-9_+/-]*$", nullable: IsOptional(schema)),
        (_, "metadata") => new() { Type = IsOptional(schema) ? JsonSchemaType.Object | JsonSchemaType.Null : JsonSchemaType.Object, Description = $"The app's own object, at most {UserProfile.MetadataMaxBytes} bytes as JSON in UTF-8; no NUL characters." },
        (true, "is_public") => new() { Type = IsOptional(schema) ? JsonSchemaType.Boolean | JsonSchemaType.Null : JsonSchemaType.Boolean, Description = "Whether everybody may see the public part at `/users/{username}`." },
        (false, "is_public") => new() { Type = JsonSchemaType.Boolean, Description = "Whether everybody may see the public part at `/users/{username}`." },
        (true, "new_password") => Text(User.PasswordMaxBytes,
            $"At most {User.PasswordMaxBytes} bytes of UTF-8; not among the most common ones, nor one's own address.", minLength: limits.PasswordLength, format: "password", pattern: WithoutNul),
        (true, "current_password") when schema is "UpdateMeRequest" or "PatchMeRequest" => Text(
            StrictJson.MaxBodyBytes, "Needed beside another `email`; otherwise not looked at.", minLength: 1, format: "password", pattern: WithoutNul),
        (true, "current_password") => Tried("password"),
        (true, "token") => Text(StrictJson.MaxBodyBytes, "Out of a mail.", minLength: 1),
        (_, "email_verified") => new() { Type = JsonSchemaType.Boolean, Description = "Whether the person has shown that the address is theirs." },
        (_, "pending_email") => Text(User.EmailMaxLength, "The address that replaces `email` when it has been confirmed; null when none does.", format: "email", nullable: true),
        (_, "id") => Id(),
        (_, "expires_in") => new() { Type = JsonSchemaType.Integer, Format = "int32", Minimum = "1", Maximum = "2592000", Description = "Seconds." },
        (_, "image_url") when schema == "UploadImageResponse" => Text(LongestUrl, format: "uri"),
        (_, "image_url") => Text(LongestUrl, "Null when there is no picture.", format: "uri", nullable: true),
        (_, "image") when schema == "UploadImageResponse" => new() { AllOf = [new OpenApiSchemaReference(Image, document)] },
        (_, "image") => new() { OneOf = [new OpenApiSchemaReference(Image, document), new OpenApiSchema { Type = JsonSchemaType.Null }] },
        (_, "types") => new() { Type = JsonSchemaType.Array, MaxItems = 20, Items = Text(LongestSentence), Description = "Media types; the bytes decide, not the declared type." },
        (_, "variants") => new() { Type = JsonSchemaType.Array, MaxItems = ProcessedImage.Sides.Count, Items = Size(), Description = "The sides of the square variants, in pixels." },
        (_, "max_bytes") => Whole(long.MaxValue, "A larger file is 413."),
        (_, "max_pixels") => Whole(long.MaxValue, "Width times height; more is 400."),
        (_, "max_side") => Size("The longest side of the picture that is stored, in pixels."),
        (true, "device") => Text(Session.DeviceMaxLength, "What the app calls the phone, for the list of sessions; spaces around it are cut off.", pattern: $"^[^{Controls}]*$", nullable: true),
        (_, "device") => Text(Session.DeviceMaxLength, "What the app calls the phone; null when it did not say.", nullable: true),
        (true, "refresh_token") => Text(StrictJson.MaxBodyBytes, "The latest one.", minLength: 1),
        (_, "refresh_token") => Text(LongestToken, "Keep it in the phone's key store: it stands for the password.", pattern: "^[A-Za-z0-9_-]+$"),
        (_, "refresh_expires_in") => new() { Type = JsonSchemaType.Integer, Format = "int32", Minimum = "1", Maximum = "315360000", Description = "Seconds; begins anew with each refresh." },
        (_, "events") => new() { Type = JsonSchemaType.Array, MaxItems = SecurityEvent.MostListed, Items = EventOfList() },
        (_, "sessions") => new() { Type = JsonSchemaType.Array, MaxItems = 1000, Items = SessionOfList() },
        (_, "ended") => new() { Type = JsonSchemaType.Integer, Format = "int32", Minimum = "0", Maximum = "1000", Description = "How many there were." },
        (_, "access_token") => Text(LongestToken, "A JWT; carries `user_id`."),
        (_, "token_type") => new() { Type = JsonSchemaType.String, Const = "Bearer" },
        _ => Text(LongestSentence),
    };

    // PUT takes no null; a patch removes with it, and an answer has it where there is nothing.
    static bool IsOptional(string schema) => schema != "UpdateMeRequest";

    static OpenApiSchema Picture() => Object(["url", "width", "height", "bytes", "thumbhash", "dominant_color", "variants", "updated_at"],
    [
        ("url", Text(LongestUrl, "The picture.", format: "uri")),
        ("width", Size("In pixels.")),
        ("height", Size("In pixels.")),
        ("bytes", Whole(int.MaxValue, "The size of its file.")),
        ("thumbhash", Text(ProfileImage.ThumbhashMaxLength, "A ThumbHash in Base64: a blurred likeness to show until the picture is there.", pattern: "^[A-Za-z0-9+/]+={0,2}$")),
        ("dominant_color", Text(ProfileImage.DominantColorMaxLength, "The commonest colour.", pattern: "^#[0-9a-f]{6}$")),
        ("variants", Object(ProcessedImage.Sides.Select(Name), ProcessedImage.Sides.Select(s => (Name(s), Text(LongestUrl, $"A square of {s} pixels, cut out of the middle; less for a smaller picture.", format: "uri"))))),
        ("updated_at", Text(LongestSentence, "When it was put up.", format: "date-time")),
    ]);

    static OpenApiSchema EventOfList() => Object(["kind", "at", "device", "network"],
    [
        ("kind", Text(LongestSentence, "Such as `logged_in`, `login_failed`, `session_ended`, `refresh_token_reused`, `password_changed`; more may join.", pattern: "^[a-z_]+$")),
        ("at", Text(LongestSentence, "When.", format: "date-time")),
        ("device", Text(Session.DeviceMaxLength, "What the app calls the phone; null when it is not known.", nullable: true)),
        ("network", Text(SecurityEvent.NetworkMaxLength, "The network of the client's address, such as `203.0.113.0/24`; null when it is not known.", nullable: true)),
    ]);

    static OpenApiSchema SessionOfList() => Object(["id", "device", "created_at", "last_used_at", "current"],
    [
        ("id", Id()),
        ("device", Text(Session.DeviceMaxLength, "What the app calls the phone; null when it did not say.", nullable: true)),
        ("created_at", Text(LongestSentence, "When it logged in.", format: "date-time")),
        ("last_used_at", Text(LongestSentence, "When it last logged in or refreshed its token.", format: "date-time")),
        ("current", new() { Type = JsonSchemaType.Boolean, Description = "Whether it is the caller's own." }),
    ]);

    static string Name(int side) => side.ToString(CultureInfo.InvariantCulture);

    static OpenApiSchema Size(string? description = null) => Whole(65535, description);

    static OpenApiSchema Whole(long most, string? description) =>
        new() { Type = JsonSchemaType.Integer, Format = most > int.MaxValue ? "int64" : "int32", Minimum = "1", Maximum = most.ToString(CultureInfo.InvariantCulture), Description = description };

    // Whatever could be an address or a password is tried: only the body's size bounds it.
    static OpenApiSchema Tried(string name) => name == "email"
        ? Text(StrictJson.MaxBodyBytes, "Compared without regard to case; blanks around it are cut off.", minLength: 1, pattern: @"^[^\u0000]*[^\s\u0000][^\u0000]*$")
        : Text(StrictJson.MaxBodyBytes, minLength: 1, format: "password", pattern: WithoutNul);

    public static OpenApiSchema Id() => new() { Type = JsonSchemaType.Integer, Format = "int64", Minimum = "1", Maximum = "9223372036854775807" };

    // One file under any of the seeds' names.
    static OpenApiSchema Upload(ContractLimits limits)
    {
        string[] names = ["image", "file", "photo"];
        var upload = Object([], names.Select(n => (n, new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary", MaxLength = (int)Math.Min(limits.ImageBytes, int.MaxValue), Description = n == names[0] ? "The picture." : "The same under another name: exactly one of the three has a file." })));
        upload.OneOf = [.. names.Select(Requires)];
        return upload;
    }

    public static OpenApiSchema Object(IEnumerable<string> required, IEnumerable<(string Name, OpenApiSchema Schema)> properties) => new()
    {
        Type = JsonSchemaType.Object,
        Required = required.Any() ? required.ToHashSet() : null,
        Properties = properties.ToDictionary(p => p.Name, p => (IOpenApiSchema)p.Schema),
    };

    public static OpenApiSchema Text(int maxLength, string? description = null, int? minLength = null, string? format = null, string? pattern = null, bool nullable = false) => new()
    {
        Type = nullable ? JsonSchemaType.String | JsonSchemaType.Null : JsonSchemaType.String,
        Format = format,
        Pattern = pattern,
        MinLength = minLength,
        MaxLength = maxLength,
        Description = description,
    };

    static IOpenApiSchema Requires(string property) => new OpenApiSchema { Required = new HashSet<string> { property } };
}
