using FastEndpoints;
using Profiles.Data;
using Profiles.Infrastructure.Editing;

namespace Profiles.Features.UpdateMe;

sealed class UpdateMeMapper : Mapper<UpdateMeRequest, UpdateMeResponse, User>
{
    public override User UpdateEntity(UpdateMeRequest r, User e)
    {
        r.ApplyTo(e);
        if (r.Metadata is { } metadata)
            e.Profile.Metadata = MetadataText.Write(metadata);
        return e;
    }
}
